// The client of the MCP SDK against a protected resource, from the 401 on: metadata of the resource, metadata of the
// server, registration, code with PKCE and `resource`, refresh. There is no open registration here: the initial access
// token of an admin goes with the fetch function.
import { auth, extractWWWAuthenticateParams } from "@modelcontextprotocol/sdk/client/auth.js";
import { countAccounts, open, report } from "./user.mjs";

const { API, REDIRECT_URI, INITIAL_ACCESS_TOKEN, CLIENT_METADATA_URL } = process.env;
let client, tokens, codeVerifier, callback;
const provider = {
  redirectUrl: REDIRECT_URI,
  clientMetadataUrl: CLIENT_METADATA_URL,
  clientMetadata: {
    client_name: "A client of the Model Context Protocol", redirect_uris: [REDIRECT_URI],
    grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none",
    application_type: "native", scope: "accounts:read offline_access",
  },
  state: () => "the-state",
  clientInformation: () => client,
  saveClientInformation: (information) => { client = information; },
  tokens: () => tokens,
  saveTokens: (saved) => { tokens = saved; },
  saveCodeVerifier: (saved) => { codeVerifier = saved; },
  codeVerifier: () => codeVerifier,
  redirectToAuthorization: async (url) => { callback = new URL(await open(url)); },
};
const fetchFn = (url, init = {}) => {
  const headers = new Headers(init.headers);
  if (new URL(url).pathname === "/oauth/register") headers.set("authorization", `Bearer ${INITIAL_ACCESS_TOKEN}`);
  return fetch(url, { ...init, headers });
};

const challenge = await fetch(`${API}/accounts`);
const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(challenge);
const options = { serverUrl: API, resourceMetadataUrl, scope, fetchFn };
const steps = [await auth(provider, options)];
steps.push(await auth(provider, { ...options, authorizationCode: callback.searchParams.get("code") }));
const first = tokens;
const accounts = await countAccounts(tokens.access_token);
steps.push(await auth(provider, options)); // with a refresh token, this refreshes
await countAccounts(tokens.access_token);
report({
  challenged: challenge.status, scope, found: resourceMetadataUrl?.href, steps: steps.join(" "), accounts,
  refreshed: tokens.access_token !== first.access_token, client: client.client_id,
});
