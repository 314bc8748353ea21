"""The CIBA grant (OpenID Connect CIBA Core 1.0 §10.1, §11): the client asks again until the person has decided."""

from datetime import timedelta

from django.utils import timezone

from oauth.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, SlowDown
from oauth.grants import issuance
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.models import BackchannelRequest
from oauth.models.secret import digest
from oauth.status import liveness
from oauth.status.liveness import Named

SLOW_DOWN_SECONDS = 5
_NOT_VALID = "The auth_req_id is not valid: unknown, already used, or of another client."


def ciba(request: GrantRequest) -> Issuance:
    client = request.client
    # The row is the lock: of parallel polls one goes first, so that it is redeemed once.
    waiting = (
        BackchannelRequest.objects.select_for_update(of=("self",))
        .select_related("authorization__user", "authorization__client")
        .filter(request_digest=digest(request.params.require("auth_req_id")), client=client)
        .first()
    )
    if waiting is None or waiting.consumed_at is not None:
        raise InvalidGrant(_NOT_VALID)
    if waiting.expires_at <= timezone.now():
        raise ExpiredToken("The person took too long. Ask anew.")
    _mind_the_interval(waiting)
    if waiting.denied_at is not None:
        raise AccessDenied("The person declined.", commits=True)
    authorization = waiting.authorization
    if authorization is None:
        raise AuthorizationPending("The person has not decided yet.", commits=True)
    if liveness.authority(Named(client.client_id, authorization.pk), read=authorization) is None:
        raise InvalidGrant("The authorization has ended.")
    waiting.consumed_at = timezone.now()
    waiting.save(update_fields=["consumed_at"])
    issued = issuance.tokens_of_a_user(
        request, authorization, scopes=waiting.scopes, resources=waiting.resources, all_resources=waiting.resources
    )
    issuance.record(client, authorization, "ciba", issued)
    return issued


def _mind_the_interval(waiting: BackchannelRequest) -> None:
    """§7.3, §11: raises SlowDown where the client asks sooner than it was told."""
    now = timezone.now()
    earliest = waiting.last_polled_at and waiting.last_polled_at + timedelta(seconds=waiting.interval_seconds)
    waiting.last_polled_at = now
    # Once the person has decided nothing is gained by waiting: a client that was pinged asks at once.
    is_decided = waiting.denied_at is not None or waiting.authorization_id is not None
    if earliest is not None and now < earliest and not is_decided:
        waiting.interval_seconds += SLOW_DOWN_SECONDS
        waiting.save(update_fields=["last_polled_at", "interval_seconds"])
        raise SlowDown(f"Ask every {waiting.interval_seconds} seconds at most.", commits=True)
    waiting.save(update_fields=["last_polled_at"])
