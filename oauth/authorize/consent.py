"""What the user allows: whether to ask, and what an answer writes."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from oauth import authorization_details
from oauth.authorization_details import Detail, NotAnswered
from oauth.authorize import grant_management, remembered
from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.infrastructure.rows import insert
from oauth.models import AuditEvent, Authorization, AuthorizationCode, Client, Scope, Session
from oauth.models.secret import digest, new_secret
from oauth.tokens.user_claims import SCOPE_OF_CLAIM

# The name of a scope's tick in the forms: one per scope.
_TICK = "allow-"


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of a consent page. What is optional has a tick, and is granted only with it."""

    name: str
    sentence: str
    is_optional: bool = False
    is_ticked: bool = True

    def __str__(self) -> str:
        return self.sentence

    @property
    def tick(self) -> str:
        return f"{_TICK}{self.name}"


class ConsentNeeded(Exception):
    """No earlier decision of the user covers the whole request."""


def is_always_needed(request: AuthorizationRequest, client: Client) -> bool:
    """Whether the user must be asked, whatever they allowed before.

    ASVS 5.0 10.7.1: always if the client cannot prove its identity. The consent page is also where the user picks
    accounts and changes a grant.
    """
    return bool(
        client.is_public
        or request.authorization_details
        or request.grant_management_action
        or request.prompts & {"consent", "select_account"}
    )


def remembered_until(request: AuthorizationRequest, client: Client, user: Any) -> datetime:
    """The date that the page showed when the user allowed all of this request (ASVS 5.0 10.4.8, 10.7.2).

    Call it in the transaction that writes the authorization. It locks the decision: if the user denies the same scopes
    in another tab, one of the two waits for the other. Raises ConsentNeeded.
    """
    decision = remembered.find(request, client, user)
    if decision is None:
        raise ConsentNeeded
    return decision.expires_at


def expires_at(client: Client, details: Iterable[Detail] = ()) -> datetime:
    """When what is allowed now ends, however often it is refreshed (ASVS 5.0 10.4.8)."""
    longest = client.authorization_lifetime or conf.AUTHORIZATION_LIFETIME
    return timezone.now() + min(longest, authorization_details.lifetime_of(details) or longest)


@transaction.atomic(savepoint=False)  # what fails here undoes all of it
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
    `chosen` holds what they ticked, by the number of the detail. The authorization ends at `until`, if not before.
    Raises authorization_details.NotAnswered.
    """
    details = authorization_details.granted(request.authorization_details, session.user, client.client_id, chosen)
    if request.grant_id:
        authorization = _change(request, client, session, details)
    else:
        authorization = write(
            client,
            session,
            scopes=request.scopes,
            resources=request.resources,
            claims=request.claims,
            details=details,
            until=until,
        )
    if shown is not None:
        remembered.decided(authorization, shown, request, authorization.expires_at)
    return authorization


def _change(
    request: AuthorizationRequest, client: Client, session: Session, details: Sequence[Detail]
) -> Authorization:
    """The earlier grant, changed as the user has just allowed. Raises InvalidGrantID if it is not theirs."""
    action = request.grant_management_action
    grant = grant_management.find(request.grant_id, client, user=session.user, lock=True)
    grant.expires_at = expires_at(client, grant_management.details_after(grant, action, details))
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


@transaction.atomic(savepoint=False)  # what fails here undoes all of it
def write(
    client: Client,
    session: Session,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    claims: dict[str, list[str]] | None = None,
    details: Sequence[Detail] = (),
    until: datetime | None = None,
) -> Authorization:
    """What the user of this session has allowed, and its audit event. It ends at `until`, if not before."""
    ends_at = expires_at(client, details)
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
    _record(authorization)
    return authorization


def _record(authorization: Authorization, action: str = "") -> None:
    types = [detail["type"] for detail in authorization.authorization_details]
    AuditEvent.record(
        AuditEvent.Action.ALLOWED,
        user=authorization.user_id,
        client=authorization.client.client_id,
        authorization=authorization.pk,
        reason=" ".join(filter(None, (action, *authorization.scopes, *types))),
    )


@transaction.atomic(savepoint=False)  # what fails here undoes all of it
def allow_by_code(
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    chosen: Mapping[int, Sequence[str]],
    *,
    shown: AuthorizationRequest | None = None,
    until: datetime | None = None,
) -> str:
    """Writes the Authorization and a code for it; returns the code, known only now. Arguments as of `allow`."""
    authorization = allow(request, client, session, chosen, shown=shown, until=until)
    code = new_secret()
    now = timezone.now()
    insert(
        AuthorizationCode(
            code_digest=digest(code),
            authorization=authorization,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            scopes=list(request.scopes),
            resources=list(request.resources),
            nonce=request.nonce,
            dpop_jkt=request.dpop_jkt,
            created_at=now,
            expires_at=now + conf.AUTHORIZATION_CODE_LIFETIME,
        )
    )
    return code


def groups(
    scopes: Iterable[str], details: Sequence[Detail] = (), *, given: Container[str] | None = None
) -> list[tuple[str, list[Permission]]]:
    """The scopes as titles with sentences, in the order of the consent page; all but those that a detail narrows:
    “Make transfers” is not what the person allows where it is one transfer. `given` is the form as it was sent."""
    scopes = set(scopes) - set(authorization_details.scopes_of(details))
    rows = {scope.name: scope for scope in Scope.objects.filter(name__in=scopes)}
    # Of a single thing there is nothing to leave out: that is what Deny is for.
    has_choice = len(scopes) > 1 or bool(details)
    titles: dict[str, list[Permission]] = {label: [] for label in map(str, Scope.Group.labels)}
    for row in sorted(rows.values(), key=lambda scope: (scope.position, scope.name)):
        is_optional = row.is_optional and has_choice
        is_ticked = given is None or not is_optional or f"{_TICK}{row.name}" in given
        permission = Permission(row.name, _(row.sentence), is_optional, is_ticked)
        titles[str(Scope.Group(row.group).label)].append(permission)
    for name in sorted(scopes):
        if name not in rows:
            titles[str(Scope.Group.READ.label)].append(Permission(name, name))
    return [(title, permissions) for title, permissions in titles.items() if permissions]


def kept(scopes: Sequence[str], given: Container[str], details: Sequence[Detail] = ()) -> tuple[str, ...]:
    """The scopes but those that were unticked (ASVS 5.0 10.7.2: what is shown is what counts). Raises NotAnswered."""
    shown = [permission for _title, permissions in groups(scopes, details, given=given) for permission in permissions]
    withheld = {permission.name for permission in shown if not permission.is_ticked}
    left = tuple(name for name in scopes if name not in withheld)
    if not left and not details:
        raise NotAnswered(_("Leave at least one thing ticked, or choose Deny."))
    return left


def answered(request: AuthorizationRequest, given: Container[str]) -> AuthorizationRequest:
    """The request as the person answered it: without the scopes, and the claims by name, that they unticked.

    Raises NotAnswered.
    """
    asked = sorted(request.consented_scopes)
    withheld = set(asked) - set(kept(asked, given, request.authorization_details))
    claims = {
        place: [name for name in names if SCOPE_OF_CLAIM.get(name) not in withheld]
        for place, names in request.claims.items()
    }
    return replace(request, scopes=tuple(name for name in request.scopes if name not in withheld), claims=claims)


def may_change(groups: Iterable[tuple[str, Iterable[Permission]]], details: Iterable[Detail]) -> bool:
    """Whether the person is asked for anything but looking."""
    names = {permission.name for _title, permissions in groups for permission in permissions}
    names |= set(authorization_details.scopes_of(details))
    return Scope.objects.filter(name__in=names, group=Scope.Group.WRITE).exists()
