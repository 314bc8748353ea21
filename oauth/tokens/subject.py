"""Whom a token is about, as one client sees it: `sub` (OpenID Connect Core §8).

Access tokens, which resource servers read, carry the user's primary key; what a client itself reads (ID tokens,
UserInfo, introspection, logout tokens) carries the subject of its kind.
"""

import hashlib
import hmac

from jwt.utils import base64url_encode

from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import SubjectType


def of(client: Client, user_id: object) -> str:
    """The user's primary key as text, or for a pairwise client a value that no other sector can tell it by."""
    if client.subject_type != SubjectType.PAIRWISE:
        return str(user_id)
    if not conf.PAIRWISE_SUBJECT_KEY:
        # Fail closed: without the secret the subject could be computed by anybody.
        raise ValueError('A client has pairwise subjects and OAUTH["PAIRWISE_SUBJECT_KEY"] is not set.')
    message = f"{client.sector_host}\n{user_id}".encode()
    keyed = hmac.new(conf.PAIRWISE_SUBJECT_KEY.encode(), message, hashlib.sha256).digest()
    return base64url_encode(keyed).decode()
