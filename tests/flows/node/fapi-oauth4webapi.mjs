// oauth4webapi as a FAPI 2.0 client with signed messages: JAR in PAR, JARM, private_key_jwt, DPoP with server nonces.
// argv: issuer, client id, private key (JWK), redirect URI. Prints the URL to open, reads where the browser came back.
import { createInterface } from "node:readline/promises";
import { stdin, stdout } from "node:process";
import * as oauth from "oauth4webapi";

const [issuer, clientId, privateKey, redirectUri] = process.argv.slice(2);
const jwk = JSON.parse(privateKey);
const key = await crypto.subtle.importKey("jwk", { ...jwk, key_ops: ["sign"] }, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const signer = { key, kid: jwk.kid };
const insecure = { [oauth.allowInsecureRequests]: true }; // the demo is http on loopback
const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure));
const client = {
  client_id: clientId, id_token_signed_response_alg: "ES256", authorization_signed_response_alg: "ES256",
  require_auth_time: false,
};
const authenticate = oauth.PrivateKeyJwt(signer);
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
const options = { ...insecure, DPoP };
const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();

// The same again, where the server wants its nonce in the proof (RFC 9449 §8).
async function withNonce(ask) {
  try {
    return await ask();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return ask();
  }
}

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const request = await oauth.issueRequestObject(as, client, new URLSearchParams({
  response_type: "code", redirect_uri: redirectUri, scope: "openid accounts:read", state, nonce, response_mode: "jwt",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
}), signer);
const pushed = await withNonce(async () => oauth.processPushedAuthorizationResponse(
  as, client, await oauth.pushedAuthorizationRequest(as, client, authenticate, { client_id: clientId, request }, options),
));
const url = new URL(as.authorization_endpoint);
url.search = new URLSearchParams({ client_id: clientId, request_uri: pushed.request_uri });
stdout.write(`${url.href}\n`);
const callback = new URL((await lines.next()).value);
const answer = await oauth.validateJwtAuthResponse(as, client, callback, state, insecure);
const tokens = await withNonce(async () => oauth.processAuthorizationCodeResponse(
  as, client,
  await oauth.authorizationCodeGrantRequest(as, client, authenticate, answer, redirectUri, verifier, options),
  { expectedNonce: nonce, requireIdToken: true },
));
const call = () => oauth.protectedResourceRequest(
  tokens.access_token, "GET", new URL(`${issuer}/api/v1/accounts`), undefined, undefined, options,
);
const accounts = await (await withNonce(call)).json();
stdout.write(`${JSON.stringify({
  answered: [...callback.searchParams.keys()].join(" "), type: tokens.token_type, accounts: accounts.data.length,
})}\n`);
process.exit(0);
