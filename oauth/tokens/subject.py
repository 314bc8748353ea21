"""The subject identifier (`sub`) of a user for a client (OpenID Connect Core §8).

Access tokens contain the user's primary key. What the client reads (ID tokens, UserInfo, introspection, logout tokens)
has the `sub` of the client's subject type.
"""

import hashlib
import hmac

from jwt.utils import base64url_encode

from oauth.models import Client
from oauth.models.client import SubjectType


def identifier(client: Client, user_id: object, *, pairwise_key: str) -> str:
    """The user's primary key as text or, for a pairwise client, a value that other sectors cannot correlate.

    `pairwise_key` is OAUTH["PAIRWISE_SUBJECT_KEY"].
    """
    if client.subject_type != SubjectType.PAIRWISE:
        return str(user_id)
    if not pairwise_key:
        # Fail closed: without the secret, anybody could compute the subject.
        raise ValueError('A client has pairwise subjects and OAUTH["PAIRWISE_SUBJECT_KEY"] is not set.')
    message = f"{client.sector_host}\n{user_id}".encode()
    keyed = hmac.new(pairwise_key.encode(), message, hashlib.sha256).digest()
    return base64url_encode(keyed).decode()
