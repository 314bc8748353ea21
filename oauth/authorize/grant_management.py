"""Changing what a person allowed before, instead of allowing it anew (FAPI Grant Management for OAuth 2.0 §5)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from oauth.authorization_details import Detail
from oauth.errors import InvalidGrantID, InvalidRequest
from oauth.models import Authorization, AuthorizationCode, Client, RefreshToken, RevokedStatus, Session
from oauth.models.status import next_status_index
from oauth.parameters import Parameters

CREATE, UPDATE, REPLACE = "create", "update", "replace"
ACTIONS = (CREATE, UPDATE, "merge", REPLACE)  # later drafts call `update` so


def wanted(params: Parameters, client: Client) -> tuple[str, str]:
    """(action, grant_id) of a request, both empty where it does not manage grants. Raises InvalidRequest, or
    InvalidGrantID for a grant that this client does not have (§5.2, §5.4)."""
    action, grant_id = params.get("grant_management_action", ""), params.get("grant_id", "")
    if action and action not in ACTIONS:
        raise InvalidRequest(f"grant_management_action is of {', '.join(ACTIONS)}.")
    if bool(grant_id) != (action in ACTIONS and action != CREATE):
        raise InvalidRequest("grant_id comes with grant_management_action update or replace, and only with these.")
    if client.is_public and grant_id:
        raise InvalidRequest("A public client cannot prove that a grant is its own (§4).")
    if grant_id:
        find(grant_id, client)
    return (UPDATE if action == "merge" else action), grant_id


def find(grant_id: str, client: Client, *, user: Any = None, lock: bool = False) -> Authorization:
    """The live grant of this client and, where one is given, this person. Raises InvalidGrantID."""
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
        raise InvalidGrantID("No such grant of this client, or it has ended.")
    return found


def update(grant: Authorization, session: Session, allowed: dict[str, Any]) -> None:
    """What is allowed now is added (§5.4). Tokens issued before stay what they are."""
    grant.scopes = _union(grant.scopes, allowed["scopes"])
    grant.resources = _union(grant.resources, allowed["resources"])
    grant.authorization_details = [*grant.authorization_details, *allowed["authorization_details"]]
    places = {*grant.claims, *allowed["claims"]}
    grant.claims = {
        place: _union(grant.claims.get(place, []), allowed["claims"].get(place, [])) for place in sorted(places)
    }
    _save(grant, session)


def replace(grant: Authorization, session: Session, allowed: dict[str, Any]) -> None:
    """What is allowed now counts, and nothing of before (§5.4): its codes and refresh tokens are gone, its access
    tokens end by the status list, since they may say more than the person now allows."""
    AuthorizationCode.objects.filter(authorization=grant).delete()
    RefreshToken.objects.filter(authorization=grant).delete()
    for name, value in allowed.items():
        setattr(grant, name, value)
    _end_access_tokens(grant)
    _save(grant, session)
    grant.refresh_from_db(fields=["status_index"])


def change_detail(grant: Authorization, number: int, detail: dict[str, Any]) -> None:
    """The person picks anew, without the client: what it holds for refreshing stays, its access tokens end, since
    they name what was picked before."""
    grant.authorization_details = [detail if n == number else one for n, one in enumerate(grant.authorization_details)]
    _end_access_tokens(grant)
    grant.save(update_fields=["authorization_details", "status_index"])


def _end_access_tokens(grant: Authorization) -> None:
    """By the status list, and where money moves at once: see tokens.liveness."""
    RevokedStatus.objects.get_or_create(index=grant.status_index, defaults={"revoked_at": timezone.now()})
    grant.status_index = next_status_index()


def details_after(grant: Authorization, action: str, details: Sequence[Detail]) -> list[Detail]:
    return [*grant.authorization_details, *details] if action == UPDATE else list(details)


def _save(grant: Authorization, session: Session) -> None:
    grant.session = session
    grant.auth_time, grant.acr, grant.amr = session.auth_time, session.acr, session.amr
    grant.save()


def _union(before: Sequence[str], now: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*before, *now]))
