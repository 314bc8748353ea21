"""HTTP Basic as OAuth uses it (RFC 6749 §2.3.1, RFC 7617)."""

import base64
import binascii
import re
from urllib.parse import unquote_plus

from oauth.errors import InvalidClient

# RFC 6749 appendix A.1, A.2: client_id and client_secret are VSCHAR.
_VSCHARS = re.compile(r"[\x20-\x7e]*")


def decode(header: str) -> tuple[str, str]:
    """Returns (client_id, client_secret); the secret may be empty. Raises InvalidClient."""
    scheme, _, credentials = header.partition(" ")  # RFC 9110 §11.4: one or more spaces follow the scheme
    if scheme.lower() != "basic":
        raise InvalidClient("The Authorization header of this endpoint must be HTTP Basic.")
    try:
        client_id, separator, secret = base64.b64decode(credentials.strip(" "), validate=True).decode().partition(":")
        # RFC 6749 §2.3.1: both values are form-encoded before they are joined, so each may contain a colon.
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise InvalidClient("The Authorization header cannot be decoded as HTTP Basic.") from None
    if not separator or not client_id or not _VSCHARS.fullmatch(client_id) or not _VSCHARS.fullmatch(secret):
        raise InvalidClient("The Authorization header must contain client_id:client_secret.")
    return client_id, secret
