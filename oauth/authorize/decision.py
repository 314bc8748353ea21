"""What the user's decision writes.

Each function runs in a transaction. An authorization without `offline_access` ends with its session, so none may be
written after a logout: the functions then raise LoginRequired, which must be shown to the user.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop as _

from oauth import authorization_details
from oauth.authorization_details import Detail
from oauth.authorize import consent, grant_management, remembered
from oauth.authorize.request import AuthorizationRequest
from oauth.errors import LoginRequired
from oauth.fast_path.model_rows import with_defaults
from oauth.infrastructure import clock
from oauth.models import AuditEvent, Authorization, BackchannelRequest, Client, DeviceCode, Session
from oauth.models.authorization import authorization_granted

Waiting = TypeVar("Waiting", DeviceCode, BackchannelRequest)


@transaction.atomic(savepoint=False)
def allow(
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    chosen: Mapping[int, Sequence[str]],
    *,
    shown: AuthorizationRequest,
) -> Authorization:
    """Writes what the user allowed on the consent page.

    `shown` is the request as the page showed it, `request` is the part that the user allowed, and `chosen` maps the
    index of a detail to the ticked values. Raises authorization_details.NotAnswered.
    """
    asked = authorization_details.completed(request.authorization_details, request.scopes)
    details = authorization_details.granted(asked, session.user, client.client_id, chosen)
    if request.grant_id:
        authorization = _change(request, client, session, details)
    else:
        authorization = _write(session, _answer(request, client, session, details))
    remembered.record(authorization, shown, request, details, authorization.expires_at)
    return authorization


@transaction.atomic(savepoint=False)
def allow_again(
    request: AuthorizationRequest, client: Client, session: Session, limits: Sequence[Detail], *, until: datetime
) -> Authorization:
    """Writes what the user allowed before, without asking again. `limits` and `until` are those of the earlier decision
    (ASVS 5.0 10.4.8).
    """
    return _write(session, _again(request, client, session, limits, until=until), is_new=False)


@transaction.atomic(savepoint=False)
def allow_scopes(
    client: Client,
    session: Session,
    *,
    scopes: Sequence[str],
    resources: Iterable[str],
    chosen: Mapping[int, Sequence[str]],
    withheld: Iterable[str] = (),
) -> Authorization:
    """Writes what the user allowed of a request that has only scopes: a device (RFC 8628) or backchannel (CIBA)
    request. `withheld` are the scopes that the user did not allow.
    """
    asked = authorization_details.completed((), scopes)
    details = authorization_details.granted(asked, session.user, client.client_id, chosen)
    authorization = _write(session, _unsaved(client, session, scopes=scopes, resources=resources, details=details))
    remembered.narrow(session.user, client, {*withheld, *authorization_details.limited_by(details)})
    return authorization


@transaction.atomic(savepoint=False)
def allow_whole(client: Client, session: Session, *, scopes: Iterable[str], resources: Iterable[str]) -> Authorization:
    """Allows everything without a consent page, for a dry run by staff that is rolled back."""
    return _write(session, _unsaved(client, session, scopes=scopes, resources=resources))


@transaction.atomic(savepoint=False)
def deny(user: Any, client: Client, scopes: Iterable[str]) -> None:
    """Records a denial. The user will be asked for these scopes again, even if they allowed them before."""
    AuditEvent.record(AuditEvent.Action.DENIED, user=user.pk, client=client.client_id)
    remembered.narrow(user, client, scopes)


def decided_before(user: Any, asked: QuerySet[Waiting]) -> Waiting | None:
    """Locks the request that the user has decided, for a double click or a user who goes back. None if there is none,
    or if it has expired. Call this in a transaction.
    """
    theirs = asked.select_for_update(of=("self",)).select_related("client").filter(user=user)
    decided = theirs.filter(expires_at__gt=clock.now()).first()
    if decided is None or (decided.denied_at is None and decided.authorization_id is None):
        return None
    return decided


@transaction.atomic(savepoint=False)
def take_back(user: Any, waiting: DeviceCode | BackchannelRequest) -> None:
    """The user goes back and denies what they have allowed. Ends the authorization, even if the client has tokens of
    it. `waiting` must be locked.
    """
    if waiting.denied_at is not None:
        return
    if waiting.authorization is not None:
        waiting.authorization.revoke(Authorization.RevocationReason.USER, by=user)
    waiting.denied_at = clock.now()
    waiting.save(update_fields=["denied_at"])
    deny(user, waiting.client, waiting.scopes)


def unsaved_again(
    request: AuthorizationRequest, client: Client, session: Session, limits: Sequence[Detail], *, until: datetime
) -> tuple[Authorization, AuditEvent]:
    """The rows that `allow_again` writes, for a statement that also writes other rows. `session` may be unsaved."""
    authorization = _again(request, client, session, limits, until=until)
    return authorization, AuditEvent.unsaved(AuditEvent.Action.ALLOWED, **_facts(authorization))


def _write(session: Session, authorization: Authorization, *, is_new: bool = True) -> Authorization:
    """`is_new` is False if the authorization repeats an earlier decision."""
    keep_open(session)
    authorization.save(force_insert=True)
    if is_new:
        authorization_granted.send(sender=Authorization, authorization=authorization)
    AuditEvent.record(AuditEvent.Action.ALLOWED, **_facts(authorization))
    return authorization


def _answer(
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    details: Sequence[Detail],
    *,
    until: datetime | None = None,
) -> Authorization:
    return _unsaved(
        client,
        session,
        scopes=request.scopes,
        resources=request.resources,
        claims=request.claims,
        details=details,
        until=until,
    )


def _again(
    request: AuthorizationRequest, client: Client, session: Session, limits: Sequence[Detail], *, until: datetime
) -> Authorization:
    authorization = _answer(request, client, session, limits, until=until)
    authorization.is_repeat = True
    return authorization


def _unsaved(
    client: Client,
    session: Session,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    claims: dict[str, list[str]] | None = None,
    details: Sequence[Detail] = (),
    until: datetime | None = None,
) -> Authorization:
    ends_at = consent.expires_at(client, details)
    return with_defaults(
        Authorization,
        {"user": session.user, "client": client, "session": session},
        {
            "scopes": list(scopes),
            "resources": list(resources),
            "auth_time": session.auth_time,
            "acr": session.acr,
            "amr": session.amr,
            "claims": claims or {},
            "authorization_details": list(details),
            "expires_at": min(ends_at, until) if until else ends_at,
        },
    )


def _change(
    request: AuthorizationRequest, client: Client, session: Session, details: Sequence[Detail]
) -> Authorization:
    """FAPI Grant Management §5: changes an earlier grant. Raises InvalidGrantID if the grant is not the user's."""
    keep_open(session)
    action = request.grant_management_action
    grant = grant_management.find_grant(request.grant_id, client, user=session.user, lock=True)
    grant.expires_at = consent.expires_at(client, grant_management.details_after(grant, action, details))
    change = grant_management.update if action == grant_management.UPDATE else grant_management.replace
    change(
        grant,
        session,
        {
            "scopes": list(request.scopes),
            "resources": list(request.resources),
            "claims": request.claims,
            "authorization_details": list(details),
        },
    )
    AuditEvent.record(AuditEvent.Action.ALLOWED, **_facts(grant, action))
    return grant


def keep_open(session: Session) -> None:
    """Locks the session until the transaction ends. Raises LoginRequired if the session has ended."""
    if not session.lock_if_open():
        raise LoginRequired(_("You have logged out. Log in and start again from the app."))


def _facts(authorization: Authorization, action: str = "") -> dict[str, Any]:
    """The fields of the audit event."""
    types = [detail["type"] for detail in authorization.authorization_details]
    return {
        "user": authorization.user_id,
        "client": authorization.client.client_id,
        "authorization": authorization.pk,
        "reason": " ".join(filter(None, (action, *authorization.scopes, *types))),
    }
