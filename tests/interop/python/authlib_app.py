"""Authlib's OAuth2Session: everything from the metadata, code with PKCE, refresh, introspection, revocation."""

import os

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet
from user import count_accounts, open_url, report

issuer = os.environ["ISSUER"]
metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=60).json()
session = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ.get("CLIENT_SECRET"),
    scope="openid email accounts:read offline_access",
    redirect_uri=os.environ["REDIRECT_URI"],
    code_challenge_method="S256",
    token_endpoint=metadata["token_endpoint"],
    token_endpoint_auth_method="client_secret_basic" if "CLIENT_SECRET" in os.environ else "none",
)
verifier = generate_token(48)
url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
callback = open_url(url)
first = session.fetch_token(
    metadata["token_endpoint"], authorization_response=callback, code_verifier=verifier, state=state
)
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=60).json())
id_token = jwt.decode(first["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
accounts = count_accounts(session)

old = dict(first)
session.token = {**first, "expires_at": 1}  # Authlib refreshes before the next request
assert count_accounts(session) == accounts
email = session.get(metadata["userinfo_endpoint"]).json()["email"]
revoked = session.revoke_token(metadata["revocation_endpoint"], session.token["refresh_token"])
try:
    session.refresh_token(metadata["token_endpoint"], session.token["refresh_token"])
    refused = "accepted"
except OAuthError as error:
    refused = error.error
report(
    user=email, accounts=accounts, issued_by=id_token.claims["iss"], revoked=revoked.status_code, refused=refused,
    refreshed=session.token["access_token"] != old["access_token"],
)  # fmt: skip
