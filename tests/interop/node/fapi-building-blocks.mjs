// openid-client: PAR, DPoP with server nonces, UserInfo, introspection, revocation, and the device flow.
import * as client from "openid-client";
import { approve, open, report } from "./user.mjs";

const { ISSUER, API, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, DEVICE_ID } = process.env;
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, client.ClientSecretBasic(CLIENT_SECRET));
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());

const codeVerifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const url = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: REDIRECT_URI, scope: "openid email accounts:read", state,
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: "S256",
}, { DPoP });
const callback = new URL(await open(url.href));
const tokens = await client.authorizationCodeGrant(
  config, callback, { pkceCodeVerifier: codeVerifier, expectedState: state, idTokenExpected: true }, undefined, { DPoP },
);
const api = new URL(`${API}/accounts`);
const accounts = await (await client.fetchProtectedResource(
  config, tokens.access_token, api, "GET", undefined, undefined, { DPoP },
)).json();
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
const before = await client.tokenIntrospection(config, tokens.access_token);
await client.tokenRevocation(config, tokens.refresh_token);
const after = await client.tokenIntrospection(config, tokens.access_token);

const television = await client.discovery(new URL(ISSUER), DEVICE_ID, undefined, client.None());
const device = await client.initiateDeviceAuthorization(television, { scope: "accounts:read" });
await approve(device.verification_uri_complete);
const onTelevision = await client.pollDeviceAuthorizationGrant(television, device);
report({
  pushed: url.searchParams.has("request_uri") && !url.searchParams.has("scope"), type: tokens.token_type,
  accounts: accounts.data.length, email: person.email, before: before.active, after: after.active,
  television: onTelevision.scope,
});
