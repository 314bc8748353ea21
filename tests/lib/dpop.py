"""DPoP proofs of a client."""

import base64
import hashlib
import secrets
import time

from oauth.conf import conf
from oauth.proof import nonce
from tests.lib.client_keys import ClientKey

TOKEN = f"{conf.ISSUER}/oauth/token"
KEY = ClientKey(kid=None)


def public(key):
    return key.jwk.export_public(as_dict=True)


def proof(key=KEY, *, url=TOKEN, method="POST", token=None, headers=None, without="", **claims):
    """A valid proof as a client library makes it. Arguments change single claims or headers."""
    given = {
        "jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(time.time()), "nonce": nonce.current(),
    }  # fmt: skip
    if token is not None:
        given["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    given |= claims
    given.pop(without, None)
    return key.sign(given, **{"typ": "dpop+jwt", "jwk": public(key), **(headers or {})})
