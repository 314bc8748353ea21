// openid-client: PAR, DPoP with server nonces, UserInfo, introspection, revocation, and the device flow.
// argv: issuer, client id, client secret, redirect URI, device client id. Prints URLs to open, reads what came of them.
import { createInterface } from "node:readline/promises";
import { stdin, stdout } from "node:process";
import * as client from "openid-client";

const [issuer, clientId, secret, redirectUri, deviceId] = process.argv.slice(2);
const insecure = { execute: [client.allowInsecureRequests] }; // the demo is http on loopback
const config = await client.discovery(
  new URL(issuer), clientId, undefined, client.ClientSecretBasic(secret), insecure,
);
const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());

const codeVerifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const url = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: redirectUri, scope: "openid email accounts:read", state,
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: "S256",
}, { DPoP });
stdout.write(`${url.href}\n`);
const callback = new URL((await lines.next()).value);
const tokens = await client.authorizationCodeGrant(
  config, callback, { pkceCodeVerifier: codeVerifier, expectedState: state, idTokenExpected: true }, undefined, { DPoP },
);
const api = new URL(`${issuer}/api/v1/accounts`);
const accounts = await (await client.fetchProtectedResource(
  config, tokens.access_token, api, "GET", undefined, undefined, { DPoP },
)).json();
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
const before = await client.tokenIntrospection(config, tokens.access_token);
await client.tokenRevocation(config, tokens.refresh_token);
const after = await client.tokenIntrospection(config, tokens.access_token);

const television = await client.discovery(new URL(issuer), deviceId, undefined, client.None(), insecure);
const device = await client.initiateDeviceAuthorization(television, { scope: "accounts:read" });
stdout.write(`${device.verification_uri_complete}\n`);
await lines.next();
const onTelevision = await client.pollDeviceAuthorizationGrant(television, device);
stdout.write(`${JSON.stringify({
  pushed: url.searchParams.has("request_uri") && !url.searchParams.has("scope"), type: tokens.token_type,
  accounts: accounts.data.length, email: person.email, before: before.active, after: after.active,
  television: onTelevision.scope,
})}\n`);
process.exit(0);
