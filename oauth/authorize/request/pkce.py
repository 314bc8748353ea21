"""PKCE (RFC 7636) and `dpop_jkt` (RFC 9449 §10), which has the same format."""

import re

from oauth.errors import InvalidRequest
from oauth.models import Client
from oauth.parameters import Parameters

_BASE64URL_SHA256 = re.compile(r"[A-Za-z0-9_-]{43}")


def requested_code_challenge(params: Parameters, client: Client) -> str:
    """RFC 7636 §4.3, RFC 9700 §2.1.1, ASVS 5.0 10.4.6: every client must send code_challenge, with the method S256.

    An admin may allow a confidential client to omit it; the result is then empty. An omitted method means `plain`, so
    the client must send S256. Raises InvalidRequest.
    """
    if not client.must_use_pkce and not {"code_challenge", "code_challenge_method"} & params.keys():
        return ""
    challenge = params.require("code_challenge")
    if params.get("code_challenge_method", "plain") != "S256":
        raise InvalidRequest("code_challenge_method must be S256.")
    if not _BASE64URL_SHA256.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be 43 characters: the base64url encoding of a SHA-256 hash.")
    return challenge


def requested_dpop_key(params: Parameters) -> str:
    """`dpop_jkt`, which binds the code to a key (RFC 9449 §10); empty if it was not sent. Raises InvalidRequest."""
    thumbprint = params.get("dpop_jkt", "")
    if thumbprint and not _BASE64URL_SHA256.fullmatch(thumbprint):
        raise InvalidRequest("dpop_jkt must be 43 characters: the base64url SHA-256 thumbprint of a key (RFC 7638).")
    return thumbprint
