"""BANK_CONSENTS_ENDED: removes an account from a user's permissions for apps."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from oauth.authorize import grant_management, remembered
from oauth.models import AuditEvent, Authorization

Detail = Mapping[str, Any]


def narrow(user_id: UUID, remaining: Callable[[Detail], Detail | None]) -> None:
    """Replaces each detail of the user's live authorizations by the result of `remaining(detail)`; None removes it. An
    authorization without any detail left is revoked: without details, it would cover everything.
    """
    grants = Authorization.objects.live().filter(user_id=user_id).exclude(authorization_details=[])
    for grant in grants.select_related("client", "user").select_for_update(of=("self",)).order_by("pk"):
        before = grant.authorization_details
        after = [dict(one) for one in map(remaining, before) if one is not None]
        if after == before:
            continue
        remembered.narrow_by_details(grant.user, grant.client, before)
        if not after:
            grant.revoke(Authorization.RevocationReason.NOTHING_LEFT)
            continue
        grant_management.change_details(grant, after)
        AuditEvent.record(
            AuditEvent.Action.ALLOWED, user=user_id, client=grant.client.client_id, authorization=grant.pk,
            reason="changed: the user no longer has one of the accounts",
        )  # fmt: skip
