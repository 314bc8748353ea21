"""Quotes: both amounts, the rate and the time until which they can be accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from banking.consents.refusals import ConsentDiffers
from banking.consents.single_transfer import transfer_details
from banking.exchanges.rates import offer
from banking.exchanges.refusals import SameCurrency
from banking.ledger.refusals import AccountNotOpen, AmountOutOfRange, CurrencyMismatch, SameAccount
from banking.models import Account, ExchangeQuote
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.models.role import HOLDING, PAYING
from banking.payments.instruction import Payer
from banking.payments.refusals import AccountDormant, AccountHolderInactive, NotTheirs, PayeeUnreachable
from oauth.infrastructure import clock

#: Long enough to read and confirm the quote, and short enough that the market hardly changes.
VALID_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The exchange that a user wants. `currency` is the source's if the amount to sell is fixed, and the destination's
    if the amount to buy is fixed. The other amount is computed.
    """

    source_id: UUID
    destination_id: UUID
    amount_minor: int
    currency: str


def quote(wanted: Wanted, payer: Payer) -> ExchangeQuote:
    """Stores an offer for this user and client. No money is held or moved.

    Raises NotTheirs if the user may not pay from the source, or a Refusal.
    """
    source, destination = accounts_of(wanted.source_id, wanted.destination_id, payer)
    offered = offer(source.currency, destination.currency)
    if wanted.currency not in (source.currency, destination.currency):
        raise CurrencyMismatch(field="currency")
    fixed = ExchangeQuote.Fixed.SELL if wanted.currency == source.currency else ExchangeQuote.Fixed.BUY
    amount = wanted.amount_minor
    if not 1 <= amount <= MAX_AMOUNT_MINOR:
        raise AmountOutOfRange(field="amount")
    if fixed == ExchangeQuote.Fixed.SELL:
        sell_minor, buy_minor = amount, offered.bought(amount)
    else:
        sell_minor, buy_minor = offered.sold(amount), amount
    if not (1 <= sell_minor <= MAX_AMOUNT_MINOR and 1 <= buy_minor <= MAX_AMOUNT_MINOR):
        raise AmountOutOfRange(field="amount")
    now = clock.now()
    return ExchangeQuote.objects.create(
        user_id=payer.user_id, client_id=payer.client_id, source=source, destination=destination,
        of_rate=offered.of_rate, rate=offered.rate, fixed=fixed, sell_currency=source.currency,
        sell_minor=sell_minor, buy_currency=destination.currency, buy_minor=buy_minor, created_at=now,
        expires_at=now + VALID_FOR,
    )  # fmt: skip


def accounts_of(source_id: UUID, destination_id: UUID, payer: Payer) -> tuple[Account, Account]:
    """The two accounts, after every check that needs no lock on them. As for a transfer between own accounts, the user
    must hold both, and the client must be allowed to see both (RFC 9396).

    Raises NotTheirs if the user may not pay from the source, or a Refusal.
    """
    if transfer_details(payer.details):
        raise ConsentDiffers  # a token for single transfers allows nothing else
    seen = {account.pk: account for account in _accounts([source_id, destination_id], payer)}
    source, destination = seen.get(source_id), seen.get(destination_id)
    if source is None or source.role not in PAYING:
        raise NotTheirs
    if not source.is_user_active:
        raise AccountHolderInactive
    if source.dormant_since is not None:
        raise AccountDormant
    if source_id == destination_id:
        raise SameAccount(field="destination_account")
    if destination is None or not {source.role, destination.role} <= set(HOLDING):
        raise PayeeUnreachable(field="destination_account")
    if source.currency == destination.currency:
        raise SameCurrency(field="destination_account")
    if source.status != Account.Status.OPEN or destination.status == Account.Status.CLOSED:
        raise AccountNotOpen
    return source, destination


def _accounts(pks: Sequence[UUID], payer: Payer) -> list[Account]:
    mine = Account.objects.of_user(payer.user_id).with_role().named_by(payer.details, "payments")
    return list(mine.filter(pk__in=pks))
