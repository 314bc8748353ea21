"""Decisions of users on the consent page, remembered for later requests of the same client.

A request is answered without a page only if one decision showed and allowed all of its scopes, claims and resources,
and the host that gets the response. Scopes that a later decision denied, omitted or limited by details are forgotten.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from oauth import authorization_details
from oauth.authorization_details import Detail
from oauth.authorize.grant_management import UPDATE
from oauth.authorize.request import AuthorizationRequest
from oauth.fast_path.model_rows import Columns
from oauth.infrastructure.rows import rows
from oauth.models import Authorization, Client, RememberedConsent, Session
from oauth.models.client import identity as client_identity
from oauth.models.client import ignores_port
from oauth.models.scope import SCOPE_OF_CLAIM


def find_decision(
    request: AuthorizationRequest, client: Client, user: Any, *, unlocked_in: Session | None = None
) -> RememberedConsent | None:
    """The user's newest decision that covers the entire request, with its authorization; None if there is none.

    Locks the rows until the transaction ends, in the same order as `narrow` and `forget`. PostgreSQL re-reads a row
    whose lock it had to wait for. With `unlocked_in`, locks nothing and finds nothing if that session has ended; the
    caller must then write with `SAME_DECISION`.

    The authorization must be live and must not have details that grant scopes, because the user allowed such scopes
    only with these details (RFC 9396 §6, ASVS 5.0 10.7.2). If it has details that limit scopes, the caller must apply
    the same limits again.
    """
    now = timezone.now()
    parameters = [user.pk, client.pk, now, now, *([unlocked_in.pk] if unlocked_in else ())]
    return newest_covering(rows(_decisions(is_locked=unlocked_in is None), parameters), request, client)


def newest_covering(
    found: Sequence[Sequence[Any]], request: AuthorizationRequest, client: Client
) -> RememberedConsent | None:
    """Chooses like `find_decision`, from rows with `columns()` of the user's live decisions about the client."""
    about = _asking(request, client)
    newest_first = sorted(found, key=_time_of_decision(), reverse=True)
    covering = (
        one
        for one in map(_decision_in, newest_first)
        if _covers(one, request) and _covers_claims(one, request) and _is_about(one.about, about)
        and authorization_details.are_of_scopes(one.authorization.authorization_details)
    )  # fmt: skip
    return next(covering, None)


_TABLE, _AUTHORIZATION = RememberedConsent._meta.db_table, Authorization._meta.db_table
#: A shared lock, so that requests with the same decision wait only for `narrow` and `forget`, not for each other.
_LOCK = "FOR SHARE OF decision"
DECISIONS = f"{_TABLE} decision JOIN {_AUTHORIZATION} given ON given.id = decision.authorization_id"
IS_LIVE = """given.client_id = %s AND given.revoked_at IS NULL AND NOT given.is_repeat AND given.expires_at > %s
   AND decision.expires_at > %s"""
_LIVE = f" FROM {DECISIONS} WHERE given.user_id = %s AND {IS_LIVE}"
_IN_SESSION = f" AND EXISTS (SELECT FROM {Session._meta.db_table} WHERE id = %s AND ended_at IS NULL)"
#: Locks the decision if it is still as `find_decision` read it, and otherwise finds nothing. Compares only the columns
#: that can change: a new decision changes `decided_at`, and `narrow` changes `scopes` and `claims`.
SAME_DECISION = f"""
SELECT decision.authorization_id {_LIVE} AND decision.authorization_id = %s AND decision.decided_at = %s
   AND decision.scopes = %s::varchar[] AND decision.claims = %s::varchar[]
   AND given.scopes = %s::varchar[] AND given.authorization_details = %s::jsonb {_LOCK}"""


def same_decision(decision: RememberedConsent, client: Client, user: Any) -> list[Any]:
    """The parameters of SAME_DECISION."""
    now, given = timezone.now(), decision.authorization
    unchanged = [decision.pk, decision.decided_at, decision.scopes, decision.claims, given.scopes]
    return [user.pk, client.pk, now, now, *unchanged, json.dumps(given.authorization_details)]


@cache
def _columns() -> tuple[Columns[RememberedConsent], Columns[Authorization]]:
    only = ("id", "scopes", "authorization_details")
    return Columns(RememberedConsent, "decision"), Columns(Authorization, "given", only=only)


@cache
def columns() -> str:
    """The columns of DECISIONS, for `newest_covering`."""
    return ", ".join(one.sql for one in _columns())


@cache
def _decisions(*, is_locked: bool) -> str:
    end = f"ORDER BY decision.authorization_id {_LOCK}" if is_locked else _IN_SESSION
    return f"SELECT {columns()} {_LIVE} {end}"


@cache
def _time_of_decision() -> Callable[[Sequence[Any]], Any]:
    """The sort key. Of two decisions at the same time, the one with the higher primary key counts as newer."""
    names = [field.attname for field in RememberedConsent._meta.concrete_fields]
    return itemgetter(names.index("decided_at"), names.index(RememberedConsent._meta.pk.attname))


def _decision_in(row: Sequence[Any]) -> RememberedConsent:
    of_decision, of_authorization = _columns()
    decision = of_decision.instance(row[: of_decision.count])
    decision.authorization = of_authorization.instance(row[of_decision.count :])
    return decision


def _covers(decision: RememberedConsent, request: AuthorizationRequest) -> bool:
    return (
        set(request.scopes) <= set(decision.scopes)
        and set(request.scopes) <= set(decision.authorization.scopes)
        and set(request.resources) <= set(decision.resources)
    )


def _covers_claims(decision: RememberedConsent, request: AuthorizationRequest) -> bool:
    """OpenID Connect Core §5.5: whether each individual claim, or its scope, was allowed. Consent to an individual
    claim is not consent to its scope.
    """
    return all(
        name in decision.claims or SCOPE_OF_CLAIM.get(name) in decision.scopes
        for names in request.claims.values()
        for name in names
    )


def _about(request: AuthorizationRequest, client: Client) -> dict[str, Any]:
    """What the page says about the client and about the host that receives the response.

    Only redirect URIs at this host are included, because a response without a page must not go elsewhere.
    """
    return describe(client, origin_of(request.redirect_uri), response_type=request.response_type)


def describe(client: Client, origin: str, *, response_type: str = "code") -> dict[str, Any]:
    """The client as a consent page that names this origin shows it."""
    identity = client_identity.describe(client)
    identity["redirect_uris"] = [uri for uri in identity["redirect_uris"] if origin_of(uri) == origin]
    return {**identity, "response_type": response_type, "origin": origin}


def _asking(request: AuthorizationRequest, client: Client) -> dict[str, Any]:
    """The facts about the client that must be the same as when the user decided."""
    now = _about(request, client)
    # Compare only this redirect URI, and none with a loopback address, whose port changes with each start of the app.
    now["redirect_uris"] = [] if ignores_port(request.redirect_uri) else [request.redirect_uri]
    return now


def _is_about(decided: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the client is still the one about which the user decided (RFC 9700 §4.15, ASVS 5.0 10.7.1).

    At the decision, the redirect URI must have been registered, and the page must have shown its host. Older rows do
    not record this, so they do not match.
    """
    return not client_identity.changed_parts(decided, now)


def origin_of(redirect_uri: str) -> str:
    """The origin that receives the response, as the consent page shows it."""
    parts = urlsplit(redirect_uri)
    if ignores_port(redirect_uri):
        return f"http://{parts.hostname}"
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else redirect_uri


@transaction.atomic(savepoint=False)
def record(
    authorization: Authorization,
    shown: AuthorizationRequest,
    allowed: AuthorizationRequest,
    granted: Sequence[Detail],
    until: datetime,
) -> None:
    """Records that the user was shown one request and allowed all or a part of it, with the details `granted`."""
    client, details = authorization.client, shown.authorization_details
    withheld = shown.consented_scopes - allowed.consented_scopes
    in_part = {*authorization_details.scopes_of(details), *authorization_details.limited_by(granted)}
    narrow(authorization.user, client, withheld | in_part)
    if not authorization_details.are_of_scopes(authorization.authorization_details):
        # The page or the earlier grant had details that grant scopes, so no scope was allowed without details.
        RememberedConsent.objects.filter(authorization=authorization).delete()
        return
    if shown.grant_management_action == UPDATE:
        # The page showed only the addition, so the earlier decision must not include it. The user is asked for the
        # addition again.
        return
    RememberedConsent.objects.update_or_create(
        authorization=authorization,
        defaults={
            "scopes": list(allowed.scopes),
            "claims": sorted({name for names in allowed.claims.values() for name in names}),
            "resources": list(allowed.resources),
            "about": _about(allowed, client),
            "decided_at": timezone.now(),
            "expires_at": until,
        },
    )


def narrow(user: Any, client: Client, scopes: Iterable[str]) -> None:
    """Removes scopes from every earlier decision about this client. The user did not allow them, or only with limits,
    and must be asked again.
    """
    scopes = frozenset(scopes)
    if not scopes:
        return
    earlier = RememberedConsent.objects.select_for_update(of=("self",)).filter(
        authorization__user=user,
        authorization__client=client,
        authorization__revoked_at=None,
        authorization__is_repeat=False,
    )
    for decision in earlier.order_by("pk"):
        decision.scopes = [name for name in decision.scopes if name not in scopes]
        decision.claims = [name for name in decision.claims if SCOPE_OF_CLAIM.get(name) not in scopes]
        decision.save(update_fields=["scopes", "claims"])


def narrow_by_details(user: Any, client: Client, details: Sequence[Detail]) -> None:
    """Call this after the user has changed these details. Removes their scopes from remembered decisions."""
    narrow(user, client, {*authorization_details.scopes_of(details), *authorization_details.limited_by(details)})


def forget(user: Any, client_id: str) -> None:
    """Deletes the decisions about a client that the user removed. Waits for requests that use one of them."""
    decisions = RememberedConsent.objects.filter(authorization__user=user, authorization__client__client_id=client_id)
    locked = decisions.select_for_update(of=("self",)).order_by("pk")
    RememberedConsent.objects.filter(pk__in=[decision.pk for decision in locked]).delete()
