"""Changes an earlier grant instead of creating a new one (FAPI Grant Management for OAuth 2.0 §5)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from oauth import authorization_details
from oauth.authorization_details import Detail
from oauth.errors import InvalidGrantID, InvalidRequest
from oauth.models import Authorization, AuthorizationCode, Client, RefreshToken, RevokedStatus, Session
from oauth.models.status import next_status_index
from oauth.parameters import Parameters

CREATE, UPDATE, REPLACE = "create", "update", "replace"
ACTIONS = (CREATE, UPDATE, "merge", REPLACE)  # later drafts have `merge` instead of `update`


def requested_action(params: Parameters, client: Client) -> tuple[str, str]:
    """Returns (action, grant_id), both empty if the request does not manage a grant. Raises InvalidRequest, or
    InvalidGrantID if this client has no such grant (§5.2, §5.4).
    """
    action, grant_id = params.get("grant_management_action", ""), params.get("grant_id", "")
    if action and action not in ACTIONS:
        raise InvalidRequest(f"grant_management_action must be one of: {', '.join(ACTIONS)}.")
    if bool(grant_id) != (action in ACTIONS and action != CREATE):
        raise InvalidRequest(
            "grant_id must be sent with grant_management_action update, merge or replace, and only then."
        )
    if client.is_public and grant_id:
        raise InvalidRequest("A public client must not send grant_id, because it cannot authenticate.")
    if grant_id:
        find_grant(grant_id, client)
    return (UPDATE if action == "merge" else action), grant_id


def find_grant(grant_id: str, client: Client, *, user: Any = None, lock: bool = False) -> Authorization:
    """The live grant of this client (and of this user, if given). Raises InvalidGrantID."""
    grants = Authorization.objects.live().filter(client=client)
    if user is not None:
        grants = grants.filter(user=user)
    if lock:
        grants = grants.select_for_update(of=("self",))
    try:
        found = grants.filter(pk=UUID(grant_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise InvalidGrantID("grant_id must name a grant of this client that has not ended.")
    return found


def update(grant: Authorization, session: Session, allowed: dict[str, Any]) -> None:
    """Adds `allowed` to the grant (§5.4). Tokens issued earlier do not change."""
    grant.authorization_details = authorization_details.joined(
        (grant.scopes, grant.authorization_details), (allowed["scopes"], allowed["authorization_details"])
    )
    grant.scopes = _union(grant.scopes, allowed["scopes"])
    grant.resources = _union(grant.resources, allowed["resources"])
    places = {*grant.claims, *allowed["claims"]}
    grant.claims = {
        place: _union(grant.claims.get(place, []), allowed["claims"].get(place, [])) for place in sorted(places)
    }
    _save(grant, session)


def replace(grant: Authorization, session: Session, allowed: dict[str, Any]) -> None:
    """Replaces the content of the grant with `allowed` (§5.4).

    Deletes codes and refresh tokens, and revokes access tokens through the status list, because they may contain more
    than the user now allows.
    """
    AuthorizationCode.objects.filter(authorization=grant).delete()
    RefreshToken.objects.filter(authorization=grant).delete()
    for name, value in allowed.items():
        setattr(grant, name, value)
    _end_access_tokens(grant)
    _save(grant, session)
    grant.refresh_from_db(fields=["status_index"])


def change_details(grant: Authorization, details: Sequence[Detail]) -> None:
    """Changes the details at the user's own request. Refresh tokens stay valid; access tokens end, because they contain
    the earlier details.
    """
    grant.authorization_details = list(details)
    _end_access_tokens(grant)
    grant.save(update_fields=["authorization_details", "status_index"])


def _end_access_tokens(grant: Authorization) -> None:
    """Revokes the grant's access tokens through the status list. Payments are refused immediately, because they call
    `status.liveness`.
    """
    RevokedStatus.objects.get_or_create(index=grant.status_index, defaults={"revoked_at": timezone.now()})
    grant.status_index = next_status_index()


def details_after(grant: Authorization, action: str, details: Sequence[Detail]) -> list[Detail]:
    return [*grant.authorization_details, *details] if action == UPDATE else list(details)


def _save(grant: Authorization, session: Session) -> None:
    grant.session = session
    grant.auth_time, grant.acr, grant.amr = session.auth_time, session.acr, session.amr
    grant.is_repeat = False  # the user decided on a consent page, so the decision may be remembered
    grant.save()


def _union(before: Sequence[str], now: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*before, *now]))
