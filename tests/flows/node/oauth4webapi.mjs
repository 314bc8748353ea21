// oauth4webapi, the strictest client library there is, against a running server.
import { createInterface } from "node:readline/promises";
import { stdin, stdout } from "node:process";
import * as oauth from "oauth4webapi";

const [issuerUrl, clientId, secret, redirectUri] = process.argv.slice(2);
const options = { [oauth.allowInsecureRequests]: true }; // the demo is http on loopback
const issuer = new URL(issuerUrl);
const server = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...options }),
);
const client = { client_id: clientId };
const authentication = secret === "-" ? oauth.None() : oauth.ClientSecretBasic(secret);

const codeVerifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const url = new URL(server.authorization_endpoint);
for (const [name, value] of Object.entries({
  client_id: clientId, redirect_uri: redirectUri, response_type: "code", scope: "accounts:read", state,
  code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: "S256",
})) url.searchParams.set(name, value);
stdout.write(`${url.href}\n`);
const lines = createInterface({ input: stdin });
const callback = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();

const parameters = oauth.validateAuthResponse(server, client, callback, state);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, await oauth.authorizationCodeGrantRequest(
  server, client, authentication, parameters, redirectUri, codeVerifier, options,
));
const refreshed = await oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(
  server, client, authentication, tokens.refresh_token, options,
));
const answer = await oauth.protectedResourceRequest(
  refreshed.access_token, "GET", new URL(`${issuerUrl}/api/v1/accounts`), new Headers(), null, options,
);
// The resource server's view: is this a proper RFC 9068 token?
const request = new Request(`${issuerUrl}/api/v1/accounts`, {
  headers: { authorization: `Bearer ${refreshed.access_token}` },
});
const claims = await oauth.validateJwtAccessToken(server, request, `${issuerUrl}/api/v1`, options);
stdout.write(JSON.stringify({
  accounts: (await answer.json()).data.length, client_id: claims.client_id, scope: claims.scope,
}) + "\n");
