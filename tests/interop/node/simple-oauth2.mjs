// simple-oauth2, which knows no PKCE of its own: the app makes it. It always sends `scope`, also to the token endpoint.
import { createHash, randomBytes } from "node:crypto";
import { AuthorizationCode, ClientCredentials } from "simple-oauth2";
import { countAccounts, open, report } from "./user.mjs";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, SERVICE_ID, SERVICE_SECRET, AUTHORIZATION_METHOD } = process.env;
const auth = {
  tokenHost: ISSUER, tokenPath: "/oauth/token", authorizePath: "/oauth/authorize", revokePath: "/oauth/revoke",
};
const options = { authorizationMethod: AUTHORIZATION_METHOD }; // "header", the default, or "body"
const client = new AuthorizationCode({ client: { id: CLIENT_ID, secret: CLIENT_SECRET }, auth, options });
const code_verifier = randomBytes(32).toString("base64url");
const scope = "openid email accounts:read offline_access";
const callback = new URL(await open(client.authorizeURL({
  redirect_uri: REDIRECT_URI, scope, state: "the-state",
  code_challenge: createHash("sha256").update(code_verifier).digest("base64url"), code_challenge_method: "S256",
})));
const first = await client.getToken({
  code: callback.searchParams.get("code"), redirect_uri: REDIRECT_URI, scope, code_verifier,
});
const accounts = await countAccounts(first.token.access_token);
const restored = client.createToken(JSON.parse(JSON.stringify(first)));
const second = await restored.refresh({ scope });
await countAccounts(second.token.access_token);
await second.revokeAll();
const refused = await second.refresh().then(() => "accepted", (error) => error.data.payload.error);

const service = new ClientCredentials({
  client: { id: SERVICE_ID, secret: SERVICE_SECRET }, auth: { tokenHost: ISSUER, tokenPath: "/oauth/token" },
});
const own = await service.getToken({ scope: "accounts:read" });
report({
  accounts, refreshed: second.token.access_token !== first.token.access_token, expired: first.expired(), refused,
  service: own.token.token_type,
});
