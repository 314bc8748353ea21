"""The user's decision: what allowing and denying write.

Each function is one transaction, so an error undoes all of it. What is allowed ends with the login (unless it is
offline), so it must not be written after a logout: then LoginRequired is raised, to be shown to the user.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop as _

from oauth import authorization_details
from oauth.authorization_details import Detail
from oauth.authorize import consent, grant_management, remembered
from oauth.authorize.request import AuthorizationRequest
from oauth.errors import LoginRequired
from oauth.models import AuditEvent, Authorization, Client, Session
from oauth.models.authorization import authorization_granted


@transaction.atomic(savepoint=False)
def allow(
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    chosen: Mapping[int, Sequence[str]],
    *,
    shown: AuthorizationRequest | None = None,
    until: datetime | None = None,
) -> Authorization:
    """Writes what the user allowed.

    `shown` is the request as the page showed it, None if the user was not asked; `request` is what they allowed of it;
    `chosen` holds what they ticked, by the number of the detail. The authorization ends at `until` at the latest (ASVS
    5.0 10.4.8).
    Raises authorization_details.NotAnswered.
    """
    details = authorization_details.granted(request.authorization_details, session.user, client.client_id, chosen)
    if request.grant_id:
        authorization = _change(request, client, session, details)
    else:
        authorization = _write(
            client,
            session,
            scopes=request.scopes,
            resources=request.resources,
            claims=request.claims,
            details=details,
            until=until,
        )
    if shown is not None:
        remembered.record(authorization, shown, request, authorization.expires_at)
    return authorization


@transaction.atomic(savepoint=False)
def allow_scopes(
    client: Client,
    session: Session,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    withheld: Iterable[str] = (),
) -> Authorization:
    """The same for requests that have scopes only: of devices (RFC 8628) and over the back channel (CIBA)."""
    authorization = _write(client, session, scopes=scopes, resources=resources)
    remembered.narrow(session.user, client, withheld)
    return authorization


@transaction.atomic(savepoint=False)
def deny(user: Any, client: Client, scopes: Iterable[str]) -> None:
    """The user is asked for these scopes again, whatever they allowed before."""
    AuditEvent.record(AuditEvent.Action.DENIED, user=user.pk, client=client.client_id)
    remembered.narrow(user, client, scopes)


def _write(
    client: Client,
    session: Session,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    claims: dict[str, list[str]] | None = None,
    details: Sequence[Detail] = (),
    until: datetime | None = None,
) -> Authorization:
    _keep_open(session)
    ends_at = consent.expires_at(client, details)
    authorization = Authorization.objects.create(
        user=session.user,
        client=client,
        session=session,
        scopes=list(scopes),
        resources=list(resources),
        auth_time=session.auth_time,
        acr=session.acr,
        amr=session.amr,
        claims=claims or {},
        authorization_details=list(details),
        expires_at=min(ends_at, until) if until else ends_at,
    )
    authorization_granted.send(sender=Authorization, authorization=authorization)
    _record(authorization)
    return authorization


def _change(
    request: AuthorizationRequest, client: Client, session: Session, details: Sequence[Detail]
) -> Authorization:
    """FAPI Grant Management §5: changes an earlier grant of this user. Raises InvalidGrantID if it is not theirs."""
    _keep_open(session)
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
    _record(grant, action)
    return grant


def _keep_open(session: Session) -> None:
    if not session.lock_if_open():
        raise LoginRequired(_("You have logged out. Log in and start again from the app."))


def _record(authorization: Authorization, action: str = "") -> None:
    types = [detail["type"] for detail in authorization.authorization_details]
    AuditEvent.record(
        AuditEvent.Action.ALLOWED,
        user=authorization.user_id,
        client=authorization.client.client_id,
        authorization=authorization.pk,
        reason=" ".join(filter(None, (action, *authorization.scopes, *types))),
    )
