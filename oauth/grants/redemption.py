"""Redeems a code or a refresh token: one statement reads it, a function decides, and one statement consumes it.

`try_fast` reads without a lock, and the consuming statement checks that nothing has changed since the read. If the
decision is a refusal, or another request was faster, `try_fast` writes nothing and returns None. `under_lock` locks the
authorization before it reads, so its decision is final.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from oauth.errors import InvalidGrant, OAuthError
from oauth.grants import consumption
from oauth.grants.consumption import Consumption
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.grants.snapshot import Snapshot
from oauth.models import Authorization, AuthorizationCode, RefreshToken

Held = TypeVar("Held", AuthorizationCode, RefreshToken)


@dataclass(frozen=True, slots=True)
class Decision:
    """The tokens to issue and what to consume."""

    issuance: Issuance
    consumption: Consumption


class Replayed(InvalidGrant):
    """A code (ASVS 5.0 10.4.2) or a refresh token (10.4.5) was reused, so `under_lock` revokes the authorization."""

    def __init__(self, description: str, *, reason: Authorization.RevocationReason, detail: str) -> None:
        super().__init__(description, detail=detail, commits=True)
        self.reason = reason


class Redemption(ABC, Generic[Held]):
    """The base class of grant types that redeem a code or a refresh token."""

    #: The grant type in the audit log.
    name: ClassVar[str]
    #: The error_description for a token that is unknown, expired, used or of another client: the same for all, so that
    #: a stranger learns nothing.
    not_valid: ClassVar[str]
    #: The field with the digest of the code or the refresh token.
    digest_field: ClassVar[str]
    #: The SQL condition that the row with the alias `held` is unused.
    unused: ClassVar[str]
    model: type[Held]

    def __init__(self) -> None:
        self._snapshot: Snapshot[Held] = Snapshot(self.model, self.digest_field, self.unused)

    @abstractmethod
    def digest(self, request: GrantRequest) -> bytes:
        """The digest of the code or refresh token of the request. Raises InvalidRequest or InvalidGrant."""

    @abstractmethod
    def decide(self, held: Held, request: GrantRequest) -> Decision:
        """Applies every rule of the grant to a code or refresh token of this client. Must not write.

        Raises InvalidGrant, Replayed, or an error about an invalid parameter.
        """

    def try_fast(self, request: GrantRequest) -> Issuance | None:
        """Reads and consumes in two statements. None if the request must be decided under the lock."""
        held = self._snapshot.read_unused(self.digest(request), request.client)
        if held is None:
            return None
        try:
            decision = self._decide_for_client(held, request)
        except OAuthError:
            return None
        return decision.issuance if self._consume(held, decision, request) else None

    def under_lock(self, request: GrantRequest) -> Issuance:
        """Locks and consumes in two statements. A superseded refresh token needs up to two more reads."""
        held = self._lock(self.digest(request))
        if held is None:
            raise self.not_found(request)
        try:
            decision = self._decide_for_client(held, request)
        except Replayed as replay:
            held.authorization.revoke(replay.reason)
            raise
        is_consumed = self._consume(held, decision, request)
        assert is_consumed, "no other request can consume it while its authorization is locked"
        return decision.issuance

    def _lock(self, digest: bytes) -> Held | None:
        """Locks the authorization first, so that parallel redemptions wait here, and each sees the writes of the
        previous one and committed revocations.
        """
        held: Held | None = (
            self.model._default_manager.select_for_update(of=("authorization", "self"))
            .select_related("authorization__user", "authorization__client")
            .filter(**{self.digest_field: digest})
            .first()
        )
        return held

    def not_found(self, request: GrantRequest) -> InvalidGrant:
        """The error for a code or refresh token that has no row."""
        return InvalidGrant(self.not_valid, detail="unknown")

    def _decide_for_client(self, held: Held, request: GrantRequest) -> Decision:
        # RFC 6749 §4.1.3, §6: the token must have been issued to this client. Check this before reuse, because
        # otherwise a stranger could end another client's authorization.
        if held.authorization.client_id != request.client.pk:
            raise InvalidGrant(self.not_valid, detail="issued to another client")
        return self.decide(held, request)

    def _consume(self, held: Held, decision: Decision, request: GrantRequest) -> bool:
        issued = decision.issuance
        return consumption.consume(
            decision.consumption, request.client, held.authorization, self.name, issued.scopes, issued.refresh_token_row
        )
