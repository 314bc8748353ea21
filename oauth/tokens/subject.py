"""The subject identifier of a user for one client: `sub` (OpenID Connect Core §8).

Access tokens, which resource servers read, carry the user's primary key. Answers that the client itself reads (ID
tokens, UserInfo, introspection, logout tokens) have the subject of the client's subject type.
"""

import hashlib
import hmac

from jwt.utils import base64url_encode

from oauth.models import Client
from oauth.models.client import SubjectType


def identifier(client: Client, user_id: object, *, pairwise_key: str) -> str:
    """The user's primary key as text; for a pairwise client a value that other sectors cannot link to the user.

    `pairwise_key` is OAUTH["PAIRWISE_SUBJECT_KEY"].
    """
    if client.subject_type != SubjectType.PAIRWISE:
        return str(user_id)
    if not pairwise_key:
        # Fail closed: without the secret anybody could compute the subject.
        raise ValueError('A client has pairwise subjects and OAUTH["PAIRWISE_SUBJECT_KEY"] is not set.')
    message = f"{client.sector_host}\n{user_id}".encode()
    keyed = hmac.new(pairwise_key.encode(), message, hashlib.sha256).digest()
    return base64url_encode(keyed).decode()
