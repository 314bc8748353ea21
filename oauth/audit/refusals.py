"""Records refusals of machine endpoints and pages: in the metrics, the log and the audit log."""

import logging

from django.http import HttpRequest

from oauth.audit import metrics, refused_requests
from oauth.errors import AuthorizationPending, OAuthError, SlowDown, TooManyRequests, UseDPoPNonce
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import AuditEvent, Client, RefusalCount

# Expected answers, not events: a device that waits, a client that needs a nonce, and a limit that was reached.
UNRECORDED = (AuthorizationPending, SlowDown, TooManyRequests, UseDPoPNonce)

# The most events in the audit log that strangers may cause in the name of a client: per IP address, and in total.
# Further refusals are only counted.
EVENTS_OF_STRANGERS = Limit("events-of-strangers", 30)
EVENTS_OF_STRANGERS_OF_CLIENT = Limit("events-of-strangers-of-client", 300)

logger = logging.getLogger("oauth.refusals")


def record(
    endpoint: str,
    refusal: OAuthError,
    request: HttpRequest,
    *,
    client: Client | None = None,
    is_proven: bool = False,
) -> None:
    """The log and the audit log hold the error id that the client received.

    Refusals that a stranger can cause are only counted (RefusalCount): nobody can delete from the audit log, so
    strangers must not be able to fill it.
    """
    note(endpoint, refusal.code, refusal.error_id, reason=refusal.description, detail=refusal.detail)
    if isinstance(refusal, UNRECORDED):
        if isinstance(refusal, TooManyRequests):
            _remember(endpoint, refusal, request, client.client_id if client else refusal.client_id)
        return
    user = getattr(request, "user", None) if endpoint == "authorize" else None
    is_user = user is not None and user.is_authenticated
    client_id = client.client_id if client else refusal.client_id
    is_caller = client is not None and is_proven and not client.is_public
    if not (is_user or is_caller or (_is_known(client, refusal) and _is_worth_an_event(client_id, request))):
        RefusalCount.add(endpoint, refusal.code, rate_limits.network_of(request))
        _remember(endpoint, refusal, request, client_id)
        return
    AuditEvent.record(
        AuditEvent.Action.REFUSED,
        client=client_id,
        user=user.pk if user and is_user else "",
        error=refusal.code,
        error_id=refusal.error_id,
        reason=": ".join(filter(None, (refusal.description, refusal.detail))),
    )


def _remember(endpoint: str, refusal: OAuthError, request: HttpRequest, client_id: str) -> None:
    """Remembers the request with the client_id that it named, which may not exist."""
    refused_requests.remember(
        request,
        error_id=refusal.error_id,
        endpoint=endpoint,
        status=refusal.status,
        error=refusal.code,
        reason=": ".join(filter(None, (refusal.description, refusal.detail))),
        client=client_id or request.GET.get("client_id", ""),
    )


def note(endpoint: str, code: str, error_id: str, *, reason: str, detail: str = "") -> None:
    """Records a refusal in the metrics and the log. A refused access token is recorded only here, because any stranger
    can cause such refusals."""
    metrics.refusals.labels(endpoint, code).inc()
    extra = {"error_id": error_id, "reason": reason, "detail": detail}
    logger.warning("%s refused: %s", endpoint, code, extra=extra)


def _is_known(client: Client | None, refusal: OAuthError) -> bool:
    return client is not None or refusal.is_of_known_client


def _is_worth_an_event(client_id: str, request: HttpRequest) -> bool:
    """Anybody can send a client's ID, so a limit bounds how many events such requests may cause."""
    return rate_limits.is_within(
        EVENTS_OF_STRANGERS, rate_limits.address_of(request), client_id
    ) and rate_limits.is_within(EVENTS_OF_STRANGERS_OF_CLIENT, client_id)
