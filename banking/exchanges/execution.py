"""Carrying out a quote: two transactions and the exchange that links them, in the caller's transaction."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from uuid_utils.compat import uuid7

from banking import ledger, notices, webhooks
from banking.accounts.opening import internal_account
from banking.exchanges.quotes import accounts_of
from banking.exchanges.rates import rate_in_force
from banking.exchanges.refusals import QuoteExpired, QuoteUsed, RateMoved
from banking.models import Account, Event, Exchange, ExchangeQuote, LedgerTransaction
from banking.notation import amounts
from banking.payments import new_payee_limit, strong_proof
from banking.payments.day_sum import day_sum
from banking.payments.instruction import Payer
from banking.payments.payer_lock import lock_payer
from banking.payments.refusals import NotTheirs, StrongProofNeeded
from oauth.infrastructure import clock

#: The bank's own account in each currency. Its balance is the amount of the currency that the bank has bought, less the
#: amount that it has sold.
POSITION = "Currency exchange"
KIND = "exchange"


def exchange(quote_id: UUID, payer: Payer, *, key: str, fingerprint: bytes | None) -> Exchange:
    """Makes the exchange exactly as quoted, once.

    The rules are those of a transfer between own accounts. The sold amount counts toward the sum of the day. Raises
    NotTheirs for a quote of another user or client, StrongProofNeeded, or a Refusal: QuoteUsed, QuoteExpired, and
    RateMoved if the bank has set another rate since.
    """
    quotes: QuerySet[ExchangeQuote] = ExchangeQuote.objects.filter(user_id=payer.user_id, client_id=payer.client_id)
    quoted = quotes.filter(pk=quote_id).first()
    if quoted is None:
        raise NotTheirs
    # This lock serializes the payments of a user. A quote belongs to one user, so it cannot be used twice at the same
    # time.
    lock_payer(payer.user_id)
    source, destination = accounts_of(quoted.source_id, quoted.destination_id, payer)
    if Exchange.objects.filter(quote=quoted).exists():
        raise QuoteUsed(field="quote")
    # Hosts measure the clock of the database with an error of milliseconds, so another host's quote may be ahead of it.
    now = max(clock.now(), quoted.created_at)
    if _is_expired(quoted, now):
        raise QuoteExpired(field="quote")
    # Once a newer rate is in force, nobody can exchange at the old one, for example at a mistyped rate.
    if rate_in_force(quoted.sell_currency, quoted.buy_currency, at=now).pk != quoted.of_rate_id:
        raise RateMoved(field="quote")
    new_payee_limit.refuse_new_joint_account(
        payer.user_id, destination.pk, quoted.sell_minor, quoted.sell_currency, at=now
    )
    is_notified = _prove(quoted, payer)
    done = Exchange(
        id=uuid7(), quote=quoted, user_id=payer.user_id, client_id=payer.client_id, idempotency_key=key,
        fingerprint=fingerprint, created_at=now,
    )  # fmt: skip
    with transaction.atomic():  # if only one of the two was posted, it is rolled back
        done.sold, done.bought = _post(done, quoted, source, destination)
        done.save(force_insert=True)
    if is_notified:
        notices.enqueue_notice(notices.Kind.LARGE_EXCHANGE, done.pk)
    webhooks.announce(
        [
            (Event.TRANSACTION_BOOKED, source.pk, done.sold.pk),
            (Event.TRANSACTION_BOOKED, destination.pk, done.bought.pk),
        ]
    )
    return done


def _is_expired(quoted: ExchangeQuote, now: datetime) -> bool:
    return now >= quoted.expires_at


def _prove(quoted: ExchangeQuote, payer: Payer) -> bool:
    """RFC 9470; SCA-RTS art. 4, 5: as for a transfer, the limit applies to the sum of the day. Returns whether the user
    must be notified.
    """
    ordered, limit = day_sum(payer.user_id, quoted.sell_currency).ordered, strong_proof.limit_of(quoted.sell_currency)
    if ordered + quoted.sell_minor < limit:
        return False
    if not payer.is_proven:
        raise StrongProofNeeded
    return quoted.sell_minor >= limit or ordered < limit


def _post(
    done: Exchange, quoted: ExchangeQuote, source: Account, destination: Account
) -> tuple[LedgerTransaction, LedgerTransaction]:
    """Uses the common lock order: both customer accounts by id, then the bank's own accounts by id. Each of the two
    transactions locks one of the bank's own accounts, so the one whose account has the lower id is posted first.
    """
    ledger.lock([source.pk, destination.pk])
    halves = (
        (source, internal_account(quoted.sell_currency, POSITION), -quoted.sell_minor),
        (destination, internal_account(quoted.buy_currency, POSITION), quoted.buy_minor),
    )
    text = (
        f"Exchange of {amounts.plain(quoted.sell_currency, quoted.sell_minor)}"
        f" for {amounts.plain(quoted.buy_currency, quoted.buy_minor)}"
    )
    posted = {
        account.pk: ledger.post(
            [(account, amount_minor), (position, -amount_minor)],
            description=text,
            kind=KIND,
            created_at=done.created_at,
            exchange_id=done.pk,
        )
        for account, position, amount_minor in sorted(halves, key=lambda half: half[1].pk)
    }
    return posted[source.pk], posted[destination.pk]
