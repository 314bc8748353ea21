// openid-client against a running server: discovery, code with PKCE, refresh, client credentials.
import * as client from "openid-client";
import { open, report } from "./user.mjs";

const { ISSUER, API, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, AFTER_LOGOUT, SERVICE_ID, SERVICE_SECRET } = process.env;
const authentication = CLIENT_SECRET ? client.ClientSecretBasic(CLIENT_SECRET) : client.None();
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, authentication);

const codeVerifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT_URI,
  scope: "openid email accounts:read offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: "S256",
  state,
  nonce,
});
const callback = new URL(await open(url.href));

const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
});
const api = new URL(`${API}/accounts`);
const accounts = await (await client.fetchProtectedResource(config, tokens.access_token, api, "GET")).json();
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
const again = await (await client.fetchProtectedResource(config, refreshed.access_token, api, "GET")).json();
const { email } = await client.fetchUserInfo(config, refreshed.access_token, tokens.claims().sub);

const service = await client.discovery(
  new URL(ISSUER), SERVICE_ID, undefined, client.ClientSecretBasic(SERVICE_SECRET),
);
const own = await client.clientCredentialsGrant(service, { scope: "accounts:read" });
report({
  user: email,
  accounts: accounts.data.length,
  refreshed: refreshed.access_token !== tokens.access_token && again.data.length === accounts.data.length,
  rotated: refreshed.refresh_token !== undefined && refreshed.refresh_token !== tokens.refresh_token,
  service: own.token_type,
  loggedOut: await open(client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: AFTER_LOGOUT, id_token_hint: tokens.id_token, state: "bye",
  }).href),
});
