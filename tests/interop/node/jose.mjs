// jose as the verifier of an API (RFC 9068) and of a relying party.
import { createRemoteJWKSet, jwtVerify } from "jose";
import { report } from "./user.mjs";

const { ISSUER, API, CLIENT_ID, ACCESS_TOKEN, ID_TOKEN, FORGED_TOKEN } = process.env;
const { jwks_uri } = await (await fetch(`${ISSUER}/.well-known/openid-configuration`)).json();
const keys = createRemoteJWKSet(new URL(jwks_uri));
const asApi = { issuer: ISSUER, audience: API, typ: "at+jwt" };
const asRelyingParty = { issuer: ISSUER, audience: CLIENT_ID };
const refused = (token, options) => jwtVerify(token, keys, options).then(() => "accepted", (error) => error.code);

const access = await jwtVerify(ACCESS_TOKEN, keys, asApi);
const identity = await jwtVerify(ID_TOKEN, keys, asRelyingParty);
report({
  subject: access.payload.sub, scope: access.payload.scope, same: identity.payload.sub === access.payload.sub,
  forged: await refused(FORGED_TOKEN, asApi), id_token: await refused(ID_TOKEN, asApi),
  elsewhere: await refused(ACCESS_TOKEN, { ...asApi, audience: "https://another.example" }),
});
