"""PyJWT's PyJWKClient as the verifier of an API and of a relying party."""

import os
import ssl

import jwt
import requests
from user import report

issuer, api = os.environ["ISSUER"], os.environ["API"]
metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=60).json()
keys = jwt.PyJWKClient(metadata["jwks_uri"], ssl_context=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]))


def verify(token: str, audience: str) -> dict:
    key = keys.get_signing_key_from_jwt(token)
    # The key of a JWK Set knows its algorithm; a token's own header must not choose it.
    return jwt.decode(token, key.key, algorithms=[key.algorithm_name], audience=audience, issuer=issuer)


def refused(token: str, audience: str) -> str:
    try:
        verify(token, audience)
    except jwt.PyJWTError as error:
        return type(error).__name__
    return "accepted"


access = verify(os.environ["ACCESS_TOKEN"], api)
identity = verify(os.environ["ID_TOKEN"], os.environ["CLIENT_ID"])
report(
    subject=access["sub"], scope=access["scope"], same=identity["sub"] == access["sub"],
    forged=refused(os.environ["FORGED_TOKEN"], api), id_token=refused(os.environ["ID_TOKEN"], api),
    elsewhere=refused(os.environ["ACCESS_TOKEN"], "https://another.example"),
)  # fmt: skip
