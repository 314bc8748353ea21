"""A model of the ledger in dictionaries, without a database and without locks."""

from dataclasses import dataclass, field
from uuid import UUID

from banking.ledger.refusals import (
    AccountNotOpen,
    AlreadyReversed,
    HalfOfExchange,
    InsufficientFunds,
    NotReversible,
    Refusal,
    SameAccount,
)

Refusals = set[type[Refusal]]


@dataclass
class ModelAccount:
    overdraft_minor: int = 0
    posted_minor: int = 0
    held_minor: int = 0
    status: str = "open"

    def refuses(self, amount_minor: int, *, of_hold_minor: int = 0) -> Refusals:
        """The reasons against an entry of this amount, which may replace a hold."""
        refusals: Refusals = set()
        if self.status != "open" and amount_minor < 0:
            refusals.add(AccountNotOpen)
        if self.posted_minor + amount_minor - (self.held_minor - of_hold_minor) < -self.overdraft_minor:
            refusals.add(InsufficientFunds)
        return refusals


@dataclass
class ModelHold:
    account: UUID
    amount_minor: int
    is_pending: bool = True


@dataclass
class ModelTransaction:
    entries: dict[UUID, int]
    is_reversed: bool = False
    is_reversal: bool = False
    is_half: bool = False


@dataclass
class ModelLedger:
    """The model leaves out the bank's own accounts, which have no limits."""

    accounts: dict[UUID, ModelAccount] = field(default_factory=dict)
    holds: dict[UUID, ModelHold] = field(default_factory=dict)
    transactions: dict[UUID, ModelTransaction] = field(default_factory=dict)

    def refuses(self, *entries: tuple[UUID, int], capturing: UUID | None = None) -> Refusals:
        if len({account for account, _ in entries}) < len(entries):
            return {SameAccount}
        captured = self.holds[capturing] if capturing else None
        refusals: Refusals = set()
        for pk, amount_minor in entries:
            if account := self.accounts.get(pk):
                of_hold_minor = captured.amount_minor if captured and captured.account == pk else 0
                refusals |= account.refuses(amount_minor, of_hold_minor=of_hold_minor)
        return refusals

    def refuses_reversal(self, transaction: UUID) -> Refusals:
        original = self.transactions[transaction]
        if original.is_half:
            return {HalfOfExchange}
        if original.is_reversal:
            return {NotReversible}
        if original.is_reversed:
            return {AlreadyReversed}
        return self.refuses(*((pk, -amount_minor) for pk, amount_minor in original.entries.items()))

    def post(self, transaction: UUID, *entries: tuple[UUID, int], capturing: UUID | None = None) -> None:
        self.transactions[transaction] = ModelTransaction(dict(entries))
        for pk, amount_minor in entries:
            if account := self.accounts.get(pk):
                account.posted_minor += amount_minor
        if capturing:
            self.end_hold(capturing)

    def exchange(self, sold: tuple[UUID, UUID, int], bought: tuple[UUID, UUID, int]) -> None:
        """Each half is (transaction, account, amount)."""
        for transaction, account, amount_minor in (sold, bought):
            self.post(transaction, (account, amount_minor))
            self.transactions[transaction].is_half = True

    def reverse(self, original: UUID, by: UUID) -> None:
        self.transactions[original].is_reversed = True
        self.post(by, *((pk, -amount_minor) for pk, amount_minor in self.transactions[original].entries.items()))
        self.transactions[by].is_reversal = True

    def hold(self, pk: UUID, account: UUID, amount_minor: int) -> None:
        self.holds[pk] = ModelHold(account, amount_minor)
        self.accounts[account].held_minor += amount_minor

    def refuses_hold(self, account: UUID, amount_minor: int) -> Refusals:
        return self.accounts[account].refuses(-amount_minor)

    def end_hold(self, pk: UUID) -> None:
        held = self.holds[pk]
        held.is_pending = False
        self.accounts[held.account].held_minor -= held.amount_minor
