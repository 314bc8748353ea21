// @badgateway/oauth2-client: discovery, code with PKCE, refresh by its fetch wrapper, introspection, revocation.
import { generateCodeVerifier, OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client";
import { open, report } from "./user.mjs";

const { ISSUER, API, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } = process.env;
const client = new OAuth2Client({ server: `${ISSUER}/`, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
const codeVerifier = await generateCodeVerifier();
const sent = { redirectUri: REDIRECT_URI, state: "the-state", codeVerifier };
const callback = await open(await client.authorizationCode.getAuthorizeUri({
  ...sent, scope: ["openid", "email", "accounts:read", "offline_access"],
}));
let token = await client.authorizationCode.getTokenFromCodeRedirect(callback, sent);
const first = token.accessToken;

const wrapper = new OAuth2Fetch({
  client, getNewToken: () => client.refreshToken(token), getStoredToken: () => token, storeToken: (stored) => { token = stored; },
});
const accounts = await (await wrapper.fetch(`${API}/accounts`)).json();
token = await client.refreshToken(token);
const again = await (await wrapper.fetch(`${API}/accounts`)).json();
const before = CLIENT_SECRET ? (await client.introspect(token)).active : undefined;
await client.revoke(token, "refresh_token");
const refused = await client.refreshToken(token).then(() => "accepted", (error) => error.oauth2Code);
report({
  accounts: accounts.data.length, refreshed: token.accessToken !== first && again.data.length > 0, active: before,
  refused,
});
