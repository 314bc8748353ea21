"""Whether what a token stands for still holds: nobody has ended it since it was signed. One query."""

from typing import Protocol
from uuid import UUID

from django.utils import timezone

from oauth.models import Authorization, Client
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims


def counts(authorization: Authorization) -> bool:
    """Neither the person, the client, an admin nor the log-in it depends on has ended it.

    `authorization` comes with its user and client; a log-out has revoked what depended on the log-in.
    """
    return (
        authorization.revoked_at is None
        and authorization.expires_at > timezone.now()
        and authorization.user.is_active
        and authorization.client.is_active
    )


def is_outdated(claims: object, authorization: Authorization) -> bool:
    """Of an access token: signed before the person or the client changed what it may do."""
    status = claims.status if isinstance(claims, AccessTokenClaims) else None
    return bool(status) and status != status_list.reference(authorization.status_index)


def find(authorization_id: UUID | str) -> Authorization | None:
    return Authorization.objects.select_related("user", "client").filter(pk=authorization_id).first()


class Names(Protocol):
    """An authorization, or without one a client that acts for itself: a token's claims, or who acts on them later."""

    @property
    def client_id(self) -> str: ...
    @property
    def authorization_id(self) -> UUID | str | None: ...


def still_counts(claims: Names) -> bool:
    """For a verified access token. A resource server in the same site asks this where a JWT is not enough."""
    if claims.authorization_id is None:
        return Client.objects.filter(client_id=claims.client_id, is_active=True).exists()
    authorization = find(claims.authorization_id)
    return authorization is not None and counts(authorization) and not is_outdated(claims, authorization)
