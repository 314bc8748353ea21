"""What a user allowed on a consent page, remembered for the next request of the same app.

A request is answered without asking only if every part of it was shown and allowed in one decision: its scopes, claims,
resources and where the answer goes. Scopes that a later decision denied, left out or narrowed by details are forgotten.
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
    """The newest decision of this user that covers the whole request, with the scopes and the details of its
    authorization; None if they must be asked.

    The rows are locked until the transaction ends, in the same order as in `narrow` and `forget`. PostgreSQL checks a
    row again if another transaction has changed it while this waits for its lock. If `unlocked_in` names a session, no
    row is locked, and nothing is found if that session has ended; the caller must write with `SAME_DECISION`.

    The authorization must be live, and no detail of it may grant scopes: an authorization with such details never
    stands for scopes without them (RFC 9396 §6, ASVS 5.0 10.7.2). Details that limit scopes count: the caller must give
    the same limits again.
    """
    now = timezone.now()
    parameters = [user.pk, client.pk, now, now, *([unlocked_in.pk] if unlocked_in else ())]
    return newest_covering(rows(_decisions(is_locked=unlocked_in is None), parameters), request, client)


def newest_covering(
    found: Sequence[Sequence[Any]], request: AuthorizationRequest, client: Client
) -> RememberedConsent | None:
    """Chooses as `find_decision` does, from rows with `columns()`: the user's live decisions about the client."""
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
#: A shared lock: requests that use the same decision do not wait for each other, only for `narrow` and `forget`.
_LOCK = "FOR SHARE OF decision"
DECISIONS = f"{_TABLE} decision JOIN {_AUTHORIZATION} given ON given.id = decision.authorization_id"
IS_LIVE = """given.client_id = %s AND given.revoked_at IS NULL AND NOT given.is_repeat AND given.expires_at > %s
   AND decision.expires_at > %s"""
_LIVE = f" FROM {DECISIONS} WHERE given.user_id = %s AND {IS_LIVE}"
_IN_SESSION = f" AND EXISTS (SELECT FROM {Session._meta.db_table} WHERE id = %s AND ended_at IS NULL)"
#: A query that locks the decision if it is still the one that `find_decision` read, and otherwise finds nothing. It
#: compares only what can change: a new decision changes `decided_at`, and `narrow` changes `scopes` and `claims`.
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
    """Of two decisions at the same time, the one with the higher key counts as newer."""
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
    """OpenID Connect Core §5.5: a claim that was allowed by name does not stand for its whole scope."""
    return all(
        name in decision.claims or SCOPE_OF_CLAIM.get(name) in decision.scopes
        for names in request.claims.values()
        for name in names
    )


def _about(request: AuthorizationRequest, client: Client) -> dict[str, Any]:
    """The page's text about the client, and the host that receives the response.

    Only redirect URIs at the host that the page named count: a silent response goes nowhere else.
    """
    return describe(client, origin_of(request.redirect_uri), response_type=request.response_type)


def describe(client: Client, origin: str, *, response_type: str = "code") -> dict[str, Any]:
    """The client as shown by a page that names this origin."""
    identity = client_identity.describe(client)
    identity["redirect_uris"] = [uri for uri in identity["redirect_uris"] if origin_of(uri) == origin]
    return {**identity, "response_type": response_type, "origin": origin}


def _asking(request: AuthorizationRequest, client: Client) -> dict[str, Any]:
    """The facts about the client that must not have changed since the user saw them."""
    now = _about(request, client)
    # Here it matters only whether *this* redirect URI was registered. The port of a loopback address changes with every
    # start.
    now["redirect_uris"] = [] if ignores_port(request.redirect_uri) else [request.redirect_uri]
    return now


def _is_about(decided: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether this is still the client that the user decided about (RFC 9700 §4.15; ASVS 5.0 10.7.1).

    The redirect URI must have been registered when they decided, at the host that they were shown. Older rows do not
    record this, so they do not count.
    """
    return not client_identity.changed_parts(decided, now)


def origin_of(redirect_uri: str) -> str:
    """The origin that receives the response, as a page shows it."""
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
    """The user was shown one request and allowed all or part of it, with the details that were `granted`."""
    client, details = authorization.client, shown.authorization_details
    withheld = shown.consented_scopes - allowed.consented_scopes
    in_part = {*authorization_details.scopes_of(details), *authorization_details.limited_by(granted)}
    narrow(authorization.user, client, withheld | in_part)
    if not authorization_details.are_of_scopes(authorization.authorization_details):
        # The page showed details, or this grant had details before: no scope was allowed without them.
        RememberedConsent.objects.filter(authorization=authorization).delete()
        return
    if shown.grant_management_action == UPDATE:
        # The page showed only the addition. The earlier decision stays as it is; the addition is asked for again.
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
    """The user was asked for these scopes and did not allow them, or only in part, so they are asked again next time.

    This applies to every earlier decision about this client.
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
    """Call it after the user has changed these details: no remembered decision may allow their scopes any more."""
    narrow(user, client, {*authorization_details.scopes_of(details), *authorization_details.limited_by(details)})


def forget(user: Any, client_id: str) -> None:
    """Deletes the decisions about a client that the user removed. Waits while another request uses one of them."""
    decisions = RememberedConsent.objects.filter(authorization__user=user, authorization__client__client_id=client_id)
    locked = decisions.select_for_update(of=("self",)).order_by("pk")
    RememberedConsent.objects.filter(pk__in=[decision.pk for decision in locked]).delete()
