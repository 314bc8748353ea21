// @azure/msal-node: a confidential client, or a public one where there is no secret.
import { ConfidentialClientApplication, CryptoProvider, ProtocolMode, PublicClientApplication } from "@azure/msal-node";
import { countAccounts, open, report } from "./user.mjs";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } = process.env;
const configuration = {
  auth: {
    clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, authority: ISSUER, knownAuthorities: [new URL(ISSUER).host],
  },
  system: { protocolMode: ProtocolMode.OIDC },
};
const Application = CLIENT_SECRET ? ConfidentialClientApplication : PublicClientApplication;
const app = new Application(configuration);
const pkce = await new CryptoProvider().generatePkceCodes();
// MSAL reads the user from the ID token alone: the app asks for them there, or an admin has the server send them.
const claims = process.env.USER_INFO === "no" ? undefined : JSON.stringify({ id_token: { email: null, name: null } });
const scopes = ["email", "accounts:read"]; // MSAL adds openid, profile and offline_access
const url = await app.getAuthCodeUrl({
  scopes, redirectUri: REDIRECT_URI, state: "the-state", codeChallenge: pkce.challenge, codeChallengeMethod: "S256",
  claims,
});
const callback = new URL(await open(url));
const answer = await app.acquireTokenByCode({
  scopes, redirectUri: REDIRECT_URI, code: callback.searchParams.get("code"), codeVerifier: pkce.verifier,
});
const accounts = await countAccounts(answer.accessToken);
const [account] = await app.getTokenCache().getAllAccounts();
const silent = await app.acquireTokenSilent({ account, scopes, forceRefresh: true });
await countAccounts(silent.accessToken);
report({
  user: answer.account.idTokenClaims.email, accounts, refreshed: silent.accessToken !== answer.accessToken,
  cached: account.name,
});
