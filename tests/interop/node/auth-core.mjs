// Auth.js (@auth/core, which is also next-auth 5) in an Express app: everything of the provider by discovery.
import { ExpressAuth, getSession } from "@auth/express";
import { accounts, app, CLIENT_ID, CLIENT_SECRET, ISSUER, listen, ORIGIN } from "./app.mjs";

async function refresh(token) {
  const answer = await fetch(`${ISSUER}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token", refresh_token: token.refreshToken, client_id: CLIENT_ID, client_secret: CLIENT_SECRET,
    }),
  });
  const tokens = await answer.json();
  if (!answer.ok) throw tokens;
  return { ...token, accessToken: tokens.access_token, refreshToken: tokens.refresh_token ?? token.refreshToken };
}

const configuration = {
  secret: "a secret of the app of thirty-two bytes", trustHost: true, basePath: "/auth",
  providers: [{
    id: "countersign", name: "Countersign", type: "oidc", issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET,
    idToken: false, // name and email from UserInfo
    checks: ["pkce", "state", "nonce"],
    authorization: { params: { scope: "openid email profile accounts:read offline_access" } },
  }],
  callbacks: {
    // https://authjs.dev/guides/refresh-token-rotation
    async jwt({ token, account, trigger }) {
      if (account) {
        return { ...token, accessToken: account.access_token, refreshToken: account.refresh_token, idToken: account.id_token };
      }
      return trigger === "update" ? refresh(token) : token;
    },
    session: ({ session, token }) => ({
      ...session, accessToken: token.accessToken, refreshToken: token.refreshToken, idToken: token.idToken,
    }),
  },
};
app.set("trust proxy", true);
app.get("/me", async (request, response) => {
  const session = await getSession(request, configuration);
  response.json({ user: session?.user?.email, accounts: session && await accounts(session.accessToken) });
});
app.get("/refresh", async (request, response) => {
  const session = await getSession(request, configuration);
  const { accessToken } = await refresh(session);
  response.json({ refreshed: accessToken !== session.accessToken && (await accounts(accessToken)).length > 0 });
});
app.get("/logout", async (request, response) => {
  const { idToken } = await getSession(request, configuration);
  const query = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: `${ORIGIN}/me` });
  for (const name of Object.keys(Object.fromEntries(new URLSearchParams((request.headers.cookie ?? "").replaceAll("; ", "&"))))) {
    if (name.startsWith("authjs.session-token")) response.clearCookie(name);
  }
  response.redirect(`${ISSUER}/oauth/logout?${query}`);
});
app.use(/^\/auth\/(.*)$/, ExpressAuth(configuration)); // of Express 5; `/auth/*` is of Express 4
listen();
