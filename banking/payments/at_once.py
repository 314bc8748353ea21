"""Makes the usual transfer of the API in one statement, which is its own transaction: it checks the authorization,
makes the transfer and commits.

This saves three round trips, and both accounts are locked for one round trip less, because the database does not wait
for the site before COMMIT. The statement is rolled back if it did not make the transfer, or if more must be written: a
job that hands the transfer to another bank, a notice, or a delivery to a webhook. Then, and in all unusual cases, the
caller decides again in a transaction. oauth/fast_path/README.md lists this with the other optimizations.
"""

from typing import Any
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection

from banking.payments import payee_lookups, strong_proof
from banking.payments.decision import DECIDED, POST_IF_LIVE, Call, Decision, call_for
from banking.payments.instruction import Instruction, Payer
from oauth import fast_path
from oauth.infrastructure.caches import TTLCache
from oauth.infrastructure.rate_limits import LimitReached
from oauth.infrastructure.rows import UNDONE, rows

#: A query and its parameters. It returns a row with `is_live` if the payer's authorization is live, and locks the
#: authorization until COMMIT.
Live = tuple[str, list[Any]]
# After these errors nothing was committed: deadlock, serialization failure, lock timeout. Termination by an
# administrator or a lost connection may happen after COMMIT. These errors are raised, like an error of COMMIT, and the
# app must retry.
_TRANSIENT = frozenset({"40P01", "40001", "55P03"})
#: Accounts whose payments recently had deliveries to webhooks.
_announced: TTLCache[UUID | str, bool] = TTLCache(max_entries=10_000)
ANNOUNCED_SECONDS = 60


def try_fast(instruction: Instruction, payer: Payer, *, deed: str, live: Live) -> Decision | None:
    """The transfer, made and committed; None if nothing was written. Raises what COMMIT raises."""
    if not fast_path.is_on() or connection.in_atomic_block or not connection.get_autocommit():
        return None
    if instruction.amount_minor >= strong_proof.limit_of(instruction.currency):
        return None  # the user must be notified
    call = call_for(instruction, payer, deed=deed)
    if (call.to_iban and not call.is_iban_ours) or _announced.get(_destination(instruction, call)):
        return None
    if _announced.get(instruction.source_id):
        return None
    if not call.is_iban_ours:
        return _run(instruction, call, live)
    # The budget is charged before the payment, because afterwards the answer could no longer be withheld. It is given
    # back if the answer reveals nothing.
    try:
        payee_lookups.spend(payer.user_id)
    except LimitReached:
        return None
    decision = _run(instruction, call, live)
    if decision is None or not decision.is_looked_up:
        payee_lookups.take_back(payer.user_id)
    return decision


def _run(instruction: Instruction, call: Call, live: Live) -> Decision | None:
    authorized, parameters = live
    statement = (
        f"SELECT {DECIDED}, or_undone(outcome, is_notified, destination, deliveries)"  # noqa: S608 (constants)
        f" FROM ({authorized}) AS live, LATERAL {POST_IF_LIVE} AS made"
    )
    try:
        found = rows(statement, [*parameters, *call.arguments])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) in _TRANSIENT:
            return None
        connection.close_if_unusable_or_obsolete()
        raise
    except DatabaseError as error:
        cause: Any = error.__cause__
        if getattr(cause, "sqlstate", None) != UNDONE:
            raise
        if cause.diag.message_primary == "deliveries":
            for one in (instruction.source_id, _destination(instruction, call)):
                _announced.put(one, True, ANNOUNCED_SECONDS)
        return None
    return call.decided(found[0][:-1]) if found else None


def _destination(instruction: Instruction, call: Call) -> UUID | str:
    return call.to_iban or str(instruction.destination.get("account_id"))
