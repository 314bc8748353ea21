"""The device code grant (RFC 8628 §3.4, §3.5): the device asks again and again until the person has decided."""

from datetime import timedelta

from django.utils import timezone

from oauth.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, SlowDown
from oauth.grants import issuance
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.models import DeviceCode
from oauth.models.secret import digest
from oauth.status import liveness
from oauth.status.liveness import Named

# RFC 8628 §3.5: slow_down adds this to the interval, for good.
SLOW_DOWN_SECONDS = 5
_NOT_VALID = "The device code is not valid: unknown, already used, or of another client."


def device_code(request: GrantRequest) -> Issuance:
    client = request.client
    # The row is the lock: of parallel polls one goes first, so that a code is redeemed once.
    waiting = (
        DeviceCode.objects.select_for_update(of=("self",))
        .select_related("authorization__user", "authorization__client")
        .filter(code_digest=digest(request.params.require("device_code")), client=client)
        .first()
    )
    if waiting is None or waiting.consumed_at is not None:
        raise InvalidGrant(_NOT_VALID)
    now = timezone.now()
    if waiting.expires_at <= now:
        raise ExpiredToken("The person took too long. Ask for a new code.")
    _mind_the_interval(waiting)
    if waiting.denied_at is not None:
        raise AccessDenied("The person declined.", commits=True)
    authorization = waiting.authorization
    if authorization is None:
        raise AuthorizationPending("The person has not decided yet.", commits=True)
    if liveness.authority(Named(client.client_id, authorization.pk), read=authorization) is None:
        raise InvalidGrant("The authorization has ended.")
    waiting.consumed_at = now
    waiting.save(update_fields=["consumed_at"])
    issued = issuance.tokens_of_a_user(
        request, authorization, scopes=waiting.scopes, resources=waiting.resources, all_resources=waiting.resources
    )
    issuance.record(client, authorization, "device_code", issued)
    return issued


def _mind_the_interval(waiting: DeviceCode) -> None:
    """Raises SlowDown where the device asks sooner than it was told."""
    now = timezone.now()
    earliest = waiting.last_polled_at and waiting.last_polled_at + timedelta(seconds=waiting.interval_seconds)
    waiting.last_polled_at = now
    if earliest is not None and now < earliest:
        waiting.interval_seconds += SLOW_DOWN_SECONDS
        waiting.save(update_fields=["last_polled_at", "interval_seconds"])
        raise SlowDown(f"Ask every {waiting.interval_seconds} seconds at most.", commits=True)
    waiting.save(update_fields=["last_polled_at"])
