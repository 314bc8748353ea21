// oauth4webapi, the strictest client library there is, against a running server.
import * as oauth from "oauth4webapi";
import { open, report } from "./user.mjs";

const { ISSUER, API, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } = process.env;
const issuer = new URL(ISSUER);
const server = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2" }),
);
const client = { client_id: CLIENT_ID };
const authentication = CLIENT_SECRET ? oauth.ClientSecretBasic(CLIENT_SECRET) : oauth.None();

const codeVerifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const url = new URL(server.authorization_endpoint);
for (const [name, value] of Object.entries({
  client_id: CLIENT_ID, redirect_uri: REDIRECT_URI, response_type: "code", scope: "accounts:read", state,
  code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: "S256",
})) url.searchParams.set(name, value);
const callback = new URL(await open(url.href));

const parameters = oauth.validateAuthResponse(server, client, callback, state);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, await oauth.authorizationCodeGrantRequest(
  server, client, authentication, parameters, REDIRECT_URI, codeVerifier,
));
const refreshed = await oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(
  server, client, authentication, tokens.refresh_token,
));
const answer = await oauth.protectedResourceRequest(
  refreshed.access_token, "GET", new URL(`${API}/accounts`),
);
// The resource server's view: is this a proper RFC 9068 token?
const request = new Request(`${API}/accounts`, {
  headers: { authorization: `Bearer ${refreshed.access_token}` },
});
const claims = await oauth.validateJwtAccessToken(server, request, API);
await oauth.processRevocationResponse(await oauth.revocationRequest(
  server, client, authentication, refreshed.refresh_token ?? tokens.refresh_token,
));
report({
  accounts: (await answer.json()).data.length, client_id: claims.client_id, scope: claims.scope,
  refreshed: refreshed.access_token !== tokens.access_token,
});
