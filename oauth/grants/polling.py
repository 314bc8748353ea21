"""The base class of grants for which a client polls until the user has decided on another device. RFC 8628 §3.5 and
CIBA §11 have the same rules.
"""

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import ClassVar, Generic, TypeVar

from oauth.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, SlowDown
from oauth.grants import issuance
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.infrastructure import clock
from oauth.models import BackchannelRequest, DeviceCode
from oauth.models.secret import digest
from oauth.status import liveness
from oauth.status.liveness import Named

# RFC 8628 §3.5, CIBA §11: slow_down adds this to the interval permanently.
SLOW_DOWN_SECONDS = 5

Waiting = TypeVar("Waiting", DeviceCode, BackchannelRequest)


class PollingGrant(ABC, Generic[Waiting]):
    #: The grant type in the audit log.
    name: ClassVar[str]
    #: The parameter with the code, and the field with its digest.
    parameter: ClassVar[str]
    digest_field: ClassVar[str]
    not_valid: ClassVar[str]
    expired: ClassVar[str]
    model: type[Waiting]

    @abstractmethod
    def must_keep_interval(self, waiting: Waiting) -> bool:
        """Whether the client must keep the polling interval."""

    def issue(self, request: GrantRequest) -> Issuance:
        """Issues tokens if the user has allowed the request. The errors authorization_pending, slow_down and
        access_denied commit the transaction, so that the time of the poll is stored.
        """
        client = request.client
        waiting = self._lock(request)
        if waiting is None or waiting.consumed_at is not None:
            raise InvalidGrant(self.not_valid)
        if waiting.expires_at <= clock.now():
            raise ExpiredToken(self.expired)
        self._note_poll(waiting)
        if waiting.denied_at is not None:
            raise AccessDenied("The user declined.", commits=True)
        authorization = waiting.authorization
        if authorization is None:
            raise AuthorizationPending("The user has not decided yet.", commits=True)
        if liveness.authority(Named(client.client_id, authorization.pk), read=authorization) is None:
            raise InvalidGrant("The authorization has ended.")
        waiting.consumed_at = clock.now()
        waiting.save(update_fields=["consumed_at"])
        issued = issuance.tokens_of_a_user(
            request, authorization, scopes=waiting.scopes, resources=waiting.resources, all_resources=waiting.resources
        )
        issuance.record(client, authorization, self.name, issued)
        return issued

    def _lock(self, request: GrantRequest) -> Waiting | None:
        """Locks the request of the client, so that only one of several parallel polls gets tokens."""
        row_digest = digest(request.params.require(self.parameter))
        found: Waiting | None = (
            self.model._default_manager.select_for_update(of=("self",))
            .select_related("authorization__user", "authorization__client")
            .filter(**{self.digest_field: row_digest}, client=request.client)
            .first()
        )
        return found

    def _note_poll(self, waiting: Waiting) -> None:
        """Stores the time of the poll. Raises SlowDown if the client polled before its interval had passed."""
        now, last = clock.now(), waiting.last_polled_at
        waiting.last_polled_at = now
        is_too_soon = last is not None and now < last + timedelta(seconds=waiting.interval_seconds)
        if is_too_soon and self.must_keep_interval(waiting):
            waiting.interval_seconds += SLOW_DOWN_SECONDS
            waiting.save(update_fields=["last_polled_at", "interval_seconds"])
            raise SlowDown(f"Poll at most every {waiting.interval_seconds} seconds.", commits=True)
        waiting.save(update_fields=["last_polled_at"])
