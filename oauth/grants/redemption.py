"""How a code or a refresh token is redeemed: one statement reads it, one function decides, and one statement consumes
it.

The same decision can be reached in two ways. `try_fast` reads without a lock; the consuming statement then checks
that nothing has changed since the read. If the decision is a refusal, or another request was faster, `try_fast` has
written nothing and returns None. `under_lock` locks the authorization before it reads, so its decision is final.
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
    """The tokens to issue, and what must be consumed for them."""

    issuance: Issuance
    consumption: Consumption


class Replayed(InvalidGrant):
    """A code (ASVS 5.0 10.4.2) or a refresh token (10.4.5) was used again: `under_lock` revokes the authorization."""

    def __init__(self, description: str, *, reason: Authorization.RevocationReason, detail: str) -> None:
        super().__init__(description, detail=detail, commits=True)
        self.reason = reason


class Redemption(ABC, Generic[Held]):
    """A grant type whose request names a code or a refresh token."""

    #: The grant type in the audit log.
    name: ClassVar[str]
    #: The answer is the same for a token that is unknown, expired, used or of another client, so that a stranger learns
    #: nothing.
    not_valid: ClassVar[str]
    #: The field with the digest of the code or the refresh token.
    digest_field: ClassVar[str]
    #: The SQL condition that the row, called `held`, has not been used.
    unused: ClassVar[str]
    model: type[Held]

    def __init__(self) -> None:
        self._snapshot: Snapshot[Held] = Snapshot(self.model, self.digest_field, self.unused)

    @abstractmethod
    def digest(self, request: GrantRequest) -> bytes:
        """The digest of the code or refresh token in a complete request. Raises InvalidRequest or InvalidGrant."""

    @abstractmethod
    def decide(self, held: Held, request: GrantRequest) -> Decision:
        """Every rule of the grant, for a code or refresh token of this client. Reads and never writes.

        Raises InvalidGrant, Replayed, and what invalid parameters cause.
        """

    def try_fast(self, request: GrantRequest) -> Issuance | None:
        """Two statements: read, then consume. None if the request must be decided under the lock."""
        held = self._snapshot.read_unused(self.digest(request), request.client)
        if held is None:
            return None
        try:
            decision = self._decide_for_client(held, request)
        except OAuthError:
            return None
        return decision.issuance if self._consume(held, decision, request) else None

    def under_lock(self, request: GrantRequest) -> Issuance:
        """Two statements: lock and read, then consume. A superseded refresh token costs up to two more reads."""
        held = self._lock(self.digest(request))
        if held is None:
            raise self.not_found(request)
        try:
            decision = self._decide_for_client(held, request)
        except Replayed as replay:
            held.authorization.revoke(replay.reason)
            raise
        is_consumed = self._consume(held, decision, request)
        assert is_consumed, "nobody else can consume it while its authorization is locked"
        return decision.issuance

    def _lock(self, digest: bytes) -> Held | None:
        """Locks the authorization first: parallel redemptions queue here, and each sees what the one before it wrote,
        or a revocation that has committed."""
        held: Held | None = (
            self.model._default_manager.select_for_update(of=("authorization", "self"))
            .select_related("authorization__user", "authorization__client")
            .filter(**{self.digest_field: digest})
            .first()
        )
        return held

    def not_found(self, request: GrantRequest) -> InvalidGrant:
        """The refusal of a code or refresh token without a row."""
        return InvalidGrant(self.not_valid, detail="unknown")

    def _decide_for_client(self, held: Held, request: GrantRequest) -> Decision:
        # RFC 6749 §4.1.3, §6: it must have been issued to this client. This comes before the check for a replay, or a
        # stranger could end another client's authorization.
        if held.authorization.client_id != request.client.pk:
            raise InvalidGrant(self.not_valid, detail="issued to another client")
        return self.decide(held, request)

    def _consume(self, held: Held, decision: Decision, request: GrantRequest) -> bool:
        issued = decision.issuance
        return consumption.consume(
            decision.consumption, request.client, held.authorization, self.name, issued.scopes, issued.refresh_token_row
        )
