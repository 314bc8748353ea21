"""A request to pay: the payment, and the user who pays. The API, the web bank and payment orders all use these
classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Instruction:
    """A requested payment; only its form has been checked. `fingerprint` distinguishes the request from another one
    with the same idempotency key.
    """

    key: str
    fingerprint: bytes | None
    source_id: UUID
    destination: Mapping[str, Any]
    amount_minor: int
    currency: str
    reference: str
    end_to_end_id: str = ""

    @classmethod
    def from_body(cls, body: Mapping[str, Any], *, key: str, fingerprint: bytes) -> "Instruction":
        return cls(
            key=key,
            fingerprint=fingerprint,
            source_id=UUID(str(body["source_account_id"])),
            destination=body["destination"],
            amount_minor=body["amount"]["minor_units"],
            currency=body["amount"]["currency"],
            reference=body["reference"],
            end_to_end_id=body.get("end_to_end_id", ""),
        )


@dataclass(frozen=True, slots=True)
class Payer:
    """The user who pays, and the client that acts for them.

    `details` are the client's authorization details (RFC 9396), which decide which accounts the client may access. The
    web bank has none and may access all. `is_proven` says whether the user has just logged in (RFC 9470).
    """

    user_id: UUID
    client_id: str
    is_proven: bool
    details: Sequence[Mapping[str, Any]] = ()
