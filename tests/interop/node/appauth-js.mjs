// AppAuth-JS in a native app (Electron): PKCE, refresh and revocation, as a public client.
// Its isValid() says no ten minutes before a token expires, which is always with a token of five minutes.
import {
  AuthorizationRequest, AuthorizationServiceConfiguration, BaseTokenRequestHandler, BasicQueryStringUtils,
  AuthorizationNotifier, AuthorizationRequestHandler, AuthorizationResponse, GRANT_TYPE_AUTHORIZATION_CODE,
  GRANT_TYPE_REFRESH_TOKEN, RevokeTokenRequest, TokenRequest,
} from "@openid/appauth";
import { NodeCrypto } from "@openid/appauth/built/src/node_support";
import { NodeRequestor } from "@openid/appauth/built/src/node_support/node_requestor";
import { countAccounts, open, report } from "./user.mjs";

const { ISSUER, CLIENT_ID: client_id, REDIRECT_URI: redirect_uri } = process.env;
const requestor = new NodeRequestor();

// The app opens the browser itself, and hears of the redirect from its operating system.
class BrowserHandler extends AuthorizationRequestHandler {
  performAuthorizationRequest(configuration, request) {
    this.answer = request.setupCodeVerifier().then(async () => {
      const { searchParams } = new URL(await open(this.buildRequestUrl(configuration, request)));
      const response = new AuthorizationResponse({ code: searchParams.get("code"), state: searchParams.get("state") });
      return { request, response, error: null };
    });
    this.completeAuthorizationRequestIfPossible();
  }
  completeAuthorizationRequest() {
    return this.answer;
  }
}

const configuration = await AuthorizationServiceConfiguration.fetchFromIssuer(ISSUER, requestor);
const tokens = new BaseTokenRequestHandler(requestor);
const handler = new BrowserHandler(new BasicQueryStringUtils(), new NodeCrypto());
const notifier = new AuthorizationNotifier();
handler.setAuthorizationNotifier(notifier);
const answered = new Promise((resolve) => {
  notifier.setAuthorizationListener((request, response, error) => resolve({ request, response, error }));
});
handler.performAuthorizationRequest(configuration, new AuthorizationRequest({
  client_id, redirect_uri, scope: "openid email accounts:read offline_access",
  response_type: AuthorizationRequest.RESPONSE_TYPE_CODE, extras: { prompt: "consent", access_type: "offline" },
}, new NodeCrypto()));
const { request, response } = await answered;
const first = await tokens.performTokenRequest(configuration, new TokenRequest({
  client_id, redirect_uri, grant_type: GRANT_TYPE_AUTHORIZATION_CODE, code: response.code,
  extras: { code_verifier: request.internal.code_verifier },
}));
const accounts = await countAccounts(first.accessToken);
const refresh = (refresh_token) => tokens.performTokenRequest(configuration, new TokenRequest({
  client_id, redirect_uri, grant_type: GRANT_TYPE_REFRESH_TOKEN, refresh_token,
}));
const second = await refresh(first.refreshToken);
await countAccounts(second.accessToken);
await tokens.performRevokeTokenRequest(configuration, new RevokeTokenRequest({ token: second.refreshToken, client_id }));
const refused = await refresh(second.refreshToken).then(() => "accepted", (error) => error.message);
report({
  accounts, refreshed: second.accessToken !== first.accessToken, valid: second.isValid(-30), refused,
});
