// node-oidc-provider with the features that the benchmark measures in Countersign: FAPI 2.0, private_key_jwt, pushed
// requests, DPoP with server nonces, JWT access tokens of five minutes. Every user is Alice, who has allowed every request.
// Environment: PORT, DATABASE_URL, WORKERS, CLIENT_JWKS (of `fapi` and `signer`), SERVICE_SECRET (of `service` and
// `web`), JWKS.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { createTable, PostgresAdapter } from "./postgres.mjs";

const { PORT, WORKERS, CLIENT_JWKS, SERVICE_SECRET, JWKS } = process.env;
const issuer = `http://localhost:${PORT}`;
const resource = `${issuer}/api`;
const scope = "accounts:read";

const app = {
  redirect_uris: [`${issuer}/callback`], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
  scope: `openid offline_access ${scope}`, // ID tokens are signed with RS256 by default, as ours are
};

const provider = new Provider(issuer, {
  adapter: PostgresAdapter,
  jwks: JSON.parse(JWKS),
  cookies: { keys: ["one secret of a benchmark"] },
  scopes: ["openid", "offline_access", scope],
  clients: [
    {
      client_id: "fapi", redirect_uris: [`${issuer}/callback`], grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"], scope: `openid ${scope}`, token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256", id_token_signed_response_alg: "ES256", jwks: JSON.parse(CLIENT_JWKS),
      require_pushed_authorization_requests: true, dpop_bound_access_tokens: true,
    },
    {
      client_id: "signer", redirect_uris: [], grant_types: ["client_credentials"], response_types: [], scope,
      token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256",
      id_token_signed_response_alg: "ES256", jwks: JSON.parse(CLIENT_JWKS),
    },
    {
      client_id: "web", client_secret: SERVICE_SECRET, token_endpoint_auth_method: "client_secret_basic", ...app,
    },
    { client_id: "mobile", token_endpoint_auth_method: "none", application_type: "native", ...app },
    {
      client_id: "service", client_secret: SERVICE_SECRET, redirect_uris: [], grant_types: ["client_credentials"],
      response_types: [], scope, token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  clientAuthMethods: ["private_key_jwt", "client_secret_basic", "none"],
  enabledJWA: { idTokenSigningAlgValues: ["ES256", "RS256"], clientAuthSigningAlgValues: ["ES256", "PS256", "EdDSA"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
    fapi: { enabled: true, profile: (ctx, client) => (client.clientId === "fapi" ? "2.0" : undefined) },
    introspection: { enabled: true, allowedPolicy: () => true },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope, audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 300, jwt: { sign: { alg: "ES256" } },
      }),
    },
    revocation: { enabled: true },
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: (ctx) => ctx.oidc.client.clientId === "mobile",
  ttl: { AuthorizationCode: 60, IdToken: 300, Session: 3600, Grant: 3600, RefreshToken: 3600, Interaction: 600 },
});
provider.on("server_error", (ctx, error) => console.error(error));

async function answer(request, response) {
  const { grantId: earlier, params, session } = await provider.interactionDetails(request, response);
  const accountId = session?.accountId ?? "alice";
  // A grant that another one replaces takes its refresh tokens with it.
  const grant = earlier
    ? await provider.Grant.find(earlier)
    : new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(`openid offline_access ${scope}`);
  grant.addResourceScope(resource, scope);
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } });
}

if (cluster.isPrimary) {
  await createTable();
  for (let worker = 0; worker < Number(WORKERS); worker += 1) cluster.fork();
} else {
  const handle = provider.callback();
  createServer((request, response) => {
    if (request.url.startsWith("/interaction/")) {
      answer(request, response).catch((error) => {
        console.error(error);
        response.writeHead(500).end();
      });
    } else {
      handle(request, response);
    }
  }).listen(Number(PORT));
}
process.on("SIGTERM", () => process.exit(0));
