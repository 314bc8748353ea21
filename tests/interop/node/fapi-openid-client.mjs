// openid-client as a FAPI 2.0 client with signed messages: JAR in PAR, JARM, private_key_jwt, DPoP with server nonces.
import * as client from "openid-client";
import { open, report } from "./user.mjs";

const { ISSUER, API, CLIENT_ID, PRIVATE_KEY, REDIRECT_URI } = process.env;
const jwk = JSON.parse(PRIVATE_KEY);
const key = await crypto.subtle.importKey("jwk", { ...jwk, key_ops: ["sign"] }, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const signer = { key, kid: jwk.kid };
const config = await client.discovery(
  new URL(ISSUER), CLIENT_ID,
  { id_token_signed_response_alg: "ES256", authorization_signed_response_alg: "ES256" },
  client.PrivateKeyJwt(signer),
);
client.useJwtResponseMode(config);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());

const codeVerifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const signed = await client.buildAuthorizationUrlWithJAR(config, {
  redirect_uri: REDIRECT_URI, scope: "openid email accounts:read", state, nonce, response_mode: "jwt",
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: "S256",
  authorization_details: JSON.stringify([{ type: "account_information", actions: ["accounts"] }]),
}, signer);
const url = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
const callback = new URL(await open(url.href));
const tokens = await client.authorizationCodeGrant(
  config, callback, { pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  undefined, { DPoP },
);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const accounts = await (await client.fetchProtectedResource(
  config, renewed.access_token, new URL(`${API}/accounts`), "GET", undefined, undefined, { DPoP },
)).json();
report({
  pushed: [...url.searchParams.keys()].sort().join(" "), answered: [...callback.searchParams.keys()].join(" "),
  type: renewed.token_type, picked: tokens.authorization_details[0].accounts.length, accounts: accounts.data.length,
});
