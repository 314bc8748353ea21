// oidc-client-ts, the library of most single-page apps, against a running server: code, UserInfo, refresh, revocation,
// log-out. argv: issuer, client id, redirect URI, post-logout redirect URI. Prints two URLs to open, reads the callback.
import { createInterface } from "node:readline/promises";
import { stdin, stdout } from "node:process";
import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from "oidc-client-ts";

const [authority, client_id, redirect_uri, post_logout_redirect_uri] = process.argv.slice(2);
const client = new OidcClient({
  authority, client_id, redirect_uri, post_logout_redirect_uri,
  scope: "openid email offline_access accounts:read",
  loadUserInfo: true,
  stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
});
const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();
const request = await client.createSigninRequest({ state: "the-app-was-here" });
stdout.write(`${request.url}\n`);
const answer = await client.processSigninResponse((await lines.next()).value);

const refreshed = await client.useRefreshToken({
  state: { refresh_token: answer.refresh_token, id_token: answer.id_token, scope: answer.scope, profile: answer.profile },
});
const accounts = await (await fetch(`${authority}/api/v1/accounts`, {
  headers: { Authorization: `Bearer ${refreshed.access_token}` },
})).json();
await client.revokeToken(refreshed.refresh_token, "refresh_token");
const refused = await client.useRefreshToken({
  state: { refresh_token: refreshed.refresh_token, scope: answer.scope, profile: answer.profile },
}).then(() => "accepted", (error) => error.error);

const signout = await client.createSignoutRequest({ id_token_hint: answer.id_token, state: "bye" });
stdout.write(`${JSON.stringify({
  email: answer.profile.email, userState: answer.userState, accounts: accounts.data.length, refused, signout: signout.url,
})}\n`);
process.exit(0);
