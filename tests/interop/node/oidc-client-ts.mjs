// oidc-client-ts, the library of most single-page apps, against a running server: code, UserInfo, refresh, revocation,
// log-out.
import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from "oidc-client-ts";
import { countAccounts, open, report } from "./user.mjs";

const {
  ISSUER: authority, CLIENT_ID: client_id, REDIRECT_URI: redirect_uri, AFTER_LOGOUT: post_logout_redirect_uri,
} = process.env;
const client = new OidcClient({
  authority, client_id, redirect_uri, post_logout_redirect_uri,
  scope: "openid email offline_access accounts:read",
  loadUserInfo: process.env.USER_INFO !== "no",
  stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
});
const request = await client.createSigninRequest({ state: "the-app-was-here" });
const answer = await client.processSigninResponse(await open(request.url));

const refreshed = await client.useRefreshToken({
  state: { refresh_token: answer.refresh_token, id_token: answer.id_token, scope: answer.scope, profile: answer.profile },
});
const accounts = await countAccounts(refreshed.access_token);
await client.revokeToken(refreshed.refresh_token, "refresh_token");
const refused = await client.useRefreshToken({
  state: { refresh_token: refreshed.refresh_token, scope: answer.scope, profile: answer.profile },
}).then(() => "accepted", (error) => error.error);

const signout = await client.createSignoutRequest({ id_token_hint: answer.id_token, state: "bye" });
const left = await client.processSignoutResponse(await open(signout.url));
report({
  user: answer.profile.email, userState: answer.userState, accounts, refused, loggedOut: left.userState,
  refreshed: refreshed.access_token !== answer.access_token,
});
