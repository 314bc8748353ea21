"""Records refusals of machine endpoints and pages in the metrics, the log and the audit log."""

import logging

from django.http import HttpRequest

from oauth.audit import metrics, refused_requests
from oauth.errors import AuthorizationPending, OAuthError, SlowDown, TooManyRequests, UseDPoPNonce
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import AuditEvent, Client, RefusalCount

# Expected responses that are not audit events: a device polls, a client needs a nonce, a rate limit was reached.
UNRECORDED = (AuthorizationPending, SlowDown, TooManyRequests, UseDPoPNonce)

# How many audit events strangers may cause by sending a client's ID, per IP address and in total. Further refusals are
# only counted.
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
    """The log and the audit log contain the error ID that the client received.

    Refusals that a stranger can cause without limit are only counted (RefusalCount), because the audit log is
    append-only and strangers must not be able to fill it.
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
    """Stores the request with its client_id, which may not exist."""
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
    """Records a refusal only in the metrics and the log. Endpoints that take access tokens call only this for a refused
    token, because any stranger can cause such refusals.
    """
    metrics.refusals.labels(endpoint, code).inc()
    extra = {"error_id": error_id, "reason": reason, "detail": detail}
    logger.warning("%s refused: %s", endpoint, code, extra=extra)


def _is_known(client: Client | None, refusal: OAuthError) -> bool:
    return client is not None or refusal.is_of_known_client


def _is_worth_an_event(client_id: str, request: HttpRequest) -> bool:
    """Whether the request is within the limits of events. Anybody can send a client's ID."""
    return rate_limits.is_within(
        EVENTS_OF_STRANGERS, rate_limits.address_of(request), client_id
    ) and rate_limits.is_within(EVENTS_OF_STRANGERS_OF_CLIENT, client_id)
