// openid-client as a FAPI 2.0 client with signed messages: JAR in PAR, JARM, private_key_jwt, DPoP with server nonces.
// argv: issuer, client id, private key (JWK), redirect URI. Prints the URL to open, reads where the browser came back.
import { createInterface } from "node:readline/promises";
import { stdin, stdout } from "node:process";
import * as client from "openid-client";

const [issuer, clientId, privateKey, redirectUri] = process.argv.slice(2);
const jwk = JSON.parse(privateKey);
const key = await crypto.subtle.importKey("jwk", { ...jwk, key_ops: ["sign"] }, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const signer = { key, kid: jwk.kid };
const config = await client.discovery(
  new URL(issuer), clientId,
  { id_token_signed_response_alg: "ES256", authorization_signed_response_alg: "ES256" },
  client.PrivateKeyJwt(signer), { execute: [client.allowInsecureRequests] }, // the demo is http on loopback
);
client.useJwtResponseMode(config);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();

const codeVerifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const signed = await client.buildAuthorizationUrlWithJAR(config, {
  redirect_uri: redirectUri, scope: "openid email accounts:read", state, nonce, response_mode: "jwt",
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: "S256",
  authorization_details: JSON.stringify([{ type: "account_information", actions: ["accounts"] }]),
}, signer);
const url = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
stdout.write(`${url.href}\n`);
const callback = new URL((await lines.next()).value);
const tokens = await client.authorizationCodeGrant(
  config, callback, { pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
  undefined, { DPoP },
);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
const accounts = await (await client.fetchProtectedResource(
  config, renewed.access_token, new URL(`${issuer}/api/v1/accounts`), "GET", undefined, undefined, { DPoP },
)).json();
stdout.write(`${JSON.stringify({
  pushed: [...url.searchParams.keys()].sort().join(" "), answered: [...callback.searchParams.keys()].join(" "),
  type: renewed.token_type, picked: tokens.authorization_details[0].accounts.length, accounts: accounts.data.length,
})}\n`);
process.exit(0);
