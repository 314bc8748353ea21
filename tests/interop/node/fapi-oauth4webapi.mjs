// oauth4webapi as a FAPI 2.0 client with signed messages: JAR in PAR, JARM, private_key_jwt, DPoP with server nonces.
import * as oauth from "oauth4webapi";
import { open, report } from "./user.mjs";

const { ISSUER, API, CLIENT_ID, PRIVATE_KEY, REDIRECT_URI } = process.env;
const jwk = JSON.parse(PRIVATE_KEY);
const key = await crypto.subtle.importKey("jwk", { ...jwk, key_ops: ["sign"] }, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const signer = { key, kid: jwk.kid };
const as = await oauth.processDiscoveryResponse(new URL(ISSUER), await oauth.discoveryRequest(new URL(ISSUER)));
const client = {
  client_id: CLIENT_ID, id_token_signed_response_alg: "ES256", authorization_signed_response_alg: "ES256",
  require_auth_time: false,
};
const authenticate = oauth.PrivateKeyJwt(signer);
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
const options = { DPoP };

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
  response_type: "code", redirect_uri: REDIRECT_URI, scope: "openid accounts:read", state, nonce, response_mode: "jwt",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
}), signer);
const pushed = await withNonce(async () => oauth.processPushedAuthorizationResponse(
  as, client, await oauth.pushedAuthorizationRequest(as, client, authenticate, { client_id: CLIENT_ID, request }, options),
));
const url = new URL(as.authorization_endpoint);
url.search = new URLSearchParams({ client_id: CLIENT_ID, request_uri: pushed.request_uri });
const callback = new URL(await open(url.href));
const answer = await oauth.validateJwtAuthResponse(as, client, callback, state);
const tokens = await withNonce(async () => oauth.processAuthorizationCodeResponse(
  as, client,
  await oauth.authorizationCodeGrantRequest(as, client, authenticate, answer, REDIRECT_URI, verifier, options),
  { expectedNonce: nonce, requireIdToken: true },
));
const call = () => oauth.protectedResourceRequest(
  tokens.access_token, "GET", new URL(`${API}/accounts`), undefined, undefined, options,
);
const accounts = await (await withNonce(call)).json();
report({
  answered: [...callback.searchParams.keys()].join(" "), type: tokens.token_type, accounts: accounts.data.length,
});
