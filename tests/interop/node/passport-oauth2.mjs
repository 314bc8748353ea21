// passport-oauth2 in an Express app, with state and PKCE in the session.
import session from "express-session";
import passport from "passport";
import OAuth2Strategy from "passport-oauth2";
import { accounts, API, app, CLIENT_ID, CLIENT_SECRET, ISSUER, listen, ORIGIN } from "./app.mjs";

const strategy = new OAuth2Strategy({
  authorizationURL: `${ISSUER}/oauth/authorize`, tokenURL: `${ISSUER}/oauth/token`,
  clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: `${ORIGIN}/callback`,
  scope: ["openid", "email", "accounts:read", "offline_access"], state: true, pkce: true,
}, (accessToken, refreshToken, parameters, _profile, done) => done(null, {
  ...strategy.profile, accessToken, refreshToken, idToken: parameters.id_token,
}));
strategy.userProfile = function userProfile(accessToken, done) {
  this._oauth2.useAuthorizationHeaderforGET(true);
  this._oauth2.get(`${ISSUER}/oauth/userinfo`, accessToken, (error, body) => {
    if (error) return done(error);
    strategy.profile = JSON.parse(body);
    return done(null, strategy.profile);
  });
};
passport.use(strategy);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));
app.use(session({ secret: "keyboard cat", resave: false, saveUninitialized: true }));
app.use(passport.session());

app.get("/login", passport.authenticate("oauth2"));
app.get("/callback", passport.authenticate("oauth2", { failureMessage: true, successRedirect: "/me" }));
app.get("/me", async (request, response) => {
  response.json({ user: request.user?.email, accounts: request.user && await accounts(request.user.accessToken) });
});
app.get("/refresh", (request, response, next) => {
  strategy._oauth2.getOAuthAccessToken(request.user.refreshToken, { grant_type: "refresh_token" }, (error, accessToken) => {
    if (error) return next(new Error(JSON.stringify(error)));
    const refreshed = accessToken !== request.user.accessToken;
    request.user.accessToken = accessToken;
    return response.json({ refreshed });
  });
});
app.get("/logout", (request, response, next) => {
  const hint = request.user.idToken;
  request.logout((error) => {
    if (error) return next(error);
    const query = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: `${ORIGIN}/me`, client_id: CLIENT_ID });
    return response.redirect(`${ISSUER}/oauth/logout?${query}`);
  });
});
listen();
