// openid-client against a running server: discovery, code with PKCE, refresh, client credentials.
// argv: issuer, client id, client secret (or "-"), redirect URI. Prints the URL to open, reads the callback.
import { createInterface } from "node:readline/promises";
import { stdin, stdout } from "node:process";
import * as client from "openid-client";

const [issuer, clientId, secret, redirectUri, serviceSecret] = process.argv.slice(2);
const insecure = { execute: [client.allowInsecureRequests] }; // the demo is http on loopback
const authentication = secret === "-" ? client.None() : client.ClientSecretBasic(secret);
const config = await client.discovery(new URL(issuer), clientId, undefined, authentication, insecure);

const codeVerifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: "openid accounts:read",
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: "S256",
  state,
  nonce,
});
stdout.write(`${url.href}\n`);
const lines = createInterface({ input: stdin });
const callback = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();

const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
});
const api = new URL(`${issuer}/api/v1/accounts`);
const accounts = await (await client.fetchProtectedResource(config, tokens.access_token, api, "GET")).json();
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);

const service = await client.discovery(
  new URL(issuer), "demo-service", undefined, client.ClientSecretBasic(serviceSecret), insecure,
);
const own = await client.clientCredentialsGrant(service, { scope: "accounts:read" });
stdout.write(JSON.stringify({
  subject: tokens.claims().sub,
  accounts: accounts.data.length,
  refreshed: refreshed.access_token !== tokens.access_token,
  rotated: refreshed.refresh_token !== undefined && refreshed.refresh_token !== tokens.refresh_token,
  service: own.token_type,
}) + "\n");
