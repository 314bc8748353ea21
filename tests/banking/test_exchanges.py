"""A currency exchange happens at the quoted rate, once, and in both currencies or not at all."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import count

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from accounts.models import User
from banking import exchanges, ledger, oversight
from banking.account_life import dormancy, invitations
from banking.account_life.closing import close
from banking.account_life.functions import call
from banking.accounts.opening import internal_account
from banking.database import cleanup
from banking.exchanges.execution import POSITION
from banking.exchanges.rates import Offer, offer
from banking.exchanges.refusals import NoRate, RateMoved, SameCurrency
from banking.ledger import audit
from banking.ledger.refusals import AccountNotOpen, AmountOutOfRange, HalfOfExchange, InsufficientFunds
from banking.models import (
    Account,
    AccountAccess,
    Consent,
    Exchange,
    ExchangeQuote,
    ExchangeRate,
    LedgerEntry,
    LedgerTransaction,
    Role,
)
from banking.notation.currencies import MINOR_DIGITS, minor_digits
from banking.oversight.exchange_rates import OwnCurrencies
from banking.payments.day_sum import day_sum
from banking.payments.refusals import AccountDormant, LimitExceeded, NotTheirs, PayeeUnreachable, StrongProofNeeded
from oauth.models import Authorization
from tests.lib.bank_notices import sent_notices
from tests.lib.exchanges import ask_quote, exchanged, payer, quote_of, set_rate, take
from tests.lib.hosts import on_host
from tests.lib.ledger import balances, funded, no_triggers
from tests.lib.staff import browser_of, officer
from tests.lib.threads import in_parallel
from tests.lib.transfers import UNKNOWN, detail_of_a_transfer

pytestmark = pytest.mark.django_db
_keys = count()


@pytest.fixture(autouse=True)
def _audited():
    yield
    if not connection.needs_rollback:
        assert [(one.question, one.rows) for one in audit() if not one.is_clean] == []


@pytest.fixture
def euro(alice):
    return funded(alice, "Travel", "EUR", amount_minor=0)


@pytest.fixture
def rate(db):
    return set_rate()


def execute(made, user, **asked):
    return exchanges.exchange(made.pk, payer(user, **asked), key=f"key {next(_keys)}", fingerprint=b"")


def until_commit(work, first="ALL"):
    """Runs `work` and the deferred constraints: all of them, or the constraint `first` before the others."""
    with transaction.atomic():
        work()
        with connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS {first} IMMEDIATE")


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def in_a_transaction(made, user):
    return ledger.in_transaction(lambda: execute(made, user))


def test_it_exchanges_at_the_quoted_rate(alice_api, current, euro, rate):
    quoted = ask_quote(alice_api, current, euro, 1000)
    assert quoted.status_code == 201, quoted.content
    body = quoted.json()
    # 10.00 × 1.17 × 0.995 = 11.64150: rounded down.
    assert (body["rate"], body["mid_rate"], body["spread_percent"]) == ("1.16415", "1.17", "0.5")
    assert (body["sell"]["minor_units"], body["buy"]["minor_units"]) == (1000, 1164)
    assert alice_api.get(quoted["Location"]).json() == body
    done = take(alice_api, body["id"])
    assert done.status_code == 201, done.content
    assert balances(current, euro) == [9000, 1164]
    assert alice_api.get(done["Location"]).json() == done.json()
    assert alice_api.get("/api/v1/exchanges").json()["data"] == [done.json()]
    assert alice_api.get(quoted["Location"]).json()["exchange_id"] == done.json()["id"]
    for account, half in zip((current, euro), done.json()["transaction_ids"], strict=True):
        one = alice_api.get(f"/api/v1/accounts/{account.pk}/transactions/{half}").json()
        assert one["exchange_id"] == done.json()["id"]
        assert (one["kind"], one["bank_transaction_code"]) == ("exchange", "FORX-SPOT-OTHR")
        assert one["description"] == "Exchange of 10.00 GBP for 11.64 EUR"
    positions = Account.objects.filter(kind="internal", name="Currency exchange").order_by("currency")
    assert [(one.currency, one.posted_minor) for one in positions] == [("EUR", -1164), ("GBP", 1000)]


def test_the_amount_to_buy_may_be_fixed(alice_api, current, euro, rate):
    quoted = ask_quote(alice_api, current, euro, 1164, "EUR").json()
    assert (quoted["sell"]["minor_units"], quoted["buy"]["minor_units"]) == (1000, 1164)
    assert take(alice_api, quoted["id"], key="of-the-first-quote").status_code == 201
    assert balances(current, euro) == [9000, 1164]


def test_it_goes_back_at_the_other_side_of_the_spread(alice, current, euro, rate):
    exchanged(alice, current, euro, 1000)
    back = exchanged(alice, euro, current, 1164, "EUR")
    assert back.quote.rate == Decimal("0.850427350427")
    assert balances(current, euro) == [9000 + 989, 0]


@given(
    sell=st.sampled_from(sorted(MINOR_DIGITS)),
    buy=st.sampled_from(sorted(MINOR_DIGITS)),
    rate=st.decimals("0.000001", "1000000", places=12),
    amount=st.integers(1, 10**12),
)
def test_both_ways_round_in_the_banks_favour_by_less_than_one_unit(sell, buy, rate, amount):
    offered = Offer(ExchangeRate(), sell, buy, rate)
    factor = rate.scaleb(minor_digits(buy) - minor_digits(sell))
    assert 0 <= amount * factor - offered.bought(amount) < 1
    sold = offered.sold(amount)
    assert sold * factor >= amount > (sold - 1) * factor


def test_the_database_knows_the_digits_of_each_currency(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT c, minor_digits(c) FROM unnest(%s::text[]) AS t (c)", [sorted(MINOR_DIGITS)])
        assert dict(cursor.fetchall()) == MINOR_DIGITS


@pytest.mark.parametrize("currency", ["JPY", "BHD"])
def test_currencies_with_other_digits(alice, current, currency):
    set_rate("GBP", currency, "190.123", "0.25")
    there = funded(alice, "Abroad", currency, amount_minor=0)
    done = exchanged(alice, current, there, 1000)
    assert done.quote.buy_minor == int(
        Decimal("10.00") * Decimal("190.123") * Decimal("0.9975") * 10 ** minor_digits(currency)
    )
    set_rate(currency, "GBP", "0.0051", "0.25")
    assert exchanged(alice, there, current, done.quote.buy_minor, currency).quote.sell_currency == currency


def test_it_is_made_once_per_key_and_once_per_quote(alice_api, current, euro, rate):
    quoted = ask_quote(alice_api, current, euro).json()["id"]
    first = take(alice_api, quoted)
    again = take(alice_api, quoted)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    used = take(alice_api, quoted, "another-key-of-16")
    assert (used.status_code, used.json()["code"]) == (409, "quote_used")
    assert used.json()["errors"][0]["pointer"] == "/quote_id"
    assert take(alice_api, quoted, None).json()["code"] == "idempotency_key_missing"
    other = ask_quote(alice_api, current, euro).json()["id"]
    assert take(alice_api, other).json()["code"] == "idempotency_key_reused"
    assert Exchange.objects.count() == 1


def test_a_late_retry_finds_what_was_made(alice_api, current, euro, rate):
    """The record of the idempotency key is deleted after a week, but the exchange keeps the key."""
    quoted = ask_quote(alice_api, current, euro).json()["id"]
    first = take(alice_api, quoted)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM idempotency_record")
    assert take(alice_api, quoted).json() == first.json()
    assert Exchange.objects.count() == 1


def test_an_expired_quote_exchanges_nothing(alice_api, current, euro, rate):
    quoted = ask_quote(alice_api, current, euro).json()
    with time_machine.travel(timezone.now() + timedelta(seconds=30), tick=False):
        refused = take(alice_api, quoted["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "quote_expired")
    assert balances(current, euro) == [10_000, 0]


@pytest.mark.parametrize(("of_quote", "of_exchange"), [(0, 25), (25, 0), (0, -25), (-25, 0)])
def test_a_quote_is_valid_as_long_on_every_host(alice_api, current, euro, of_quote, of_exchange):
    with time_machine.travel(timezone.now(), tick=False) as now:
        with on_host(seconds_ahead=of_quote):
            set_rate(mid="1.25")
            quoted = ask_quote(alice_api, current, euro).json()
        now.shift(20)
        with on_host(seconds_ahead=of_exchange):
            assert take(alice_api, quoted["id"], key="of-the-first-quote").status_code == 201
        with on_host(seconds_ahead=of_quote):
            quoted = ask_quote(alice_api, current, euro).json()
        now.shift(31)
        with on_host(seconds_ahead=of_exchange):
            assert take(alice_api, quoted["id"], key="of-the-second-quote").json()["code"] == "quote_expired"


def test_another_rate_ends_the_quotes_before_it(alice, current, euro, rate):
    made = quote_of(alice, current, euro)
    set_rate(mid="1.2")
    with pytest.raises(RateMoved):
        execute(made, alice)
    assert balances(current, euro) == [10_000, 0]


def test_a_rate_that_is_not_yet_valid_or_not_approved_is_not_in_force(alice, current, euro, rate):
    first = oversight.Officer(officer("first", "request_exchangerate"))
    later = timezone.now() + timedelta(days=1)
    exchanges.set_rate("EUR", "GBP", mid=Decimal(5), spread_percent=Decimal(0), reason="x", valid_from=later)
    oversight.request_rate(
        "EUR", "GBP", mid=Decimal(5), spread_percent=Decimal(0), valid_from=timezone.now(), by=first, reason="x"
    )
    assert offer("GBP", "EUR").of_rate == rate
    with time_machine.travel(later + timedelta(seconds=1)):
        assert offer("GBP", "EUR").rate == Decimal("0.2")


def test_a_quote_is_of_one_user_and_one_app(alice, bob, current, euro, rate, api, access_token, alice_api):
    made = quote_of(alice, current, euro)
    with pytest.raises(NotTheirs):
        execute(made, bob)
    with pytest.raises(NotTheirs):
        execute(made, alice, client_id="another")
    of_bob = api(access_token(bob, "transfers:read transfers:write"))
    quoted = ask_quote(alice_api, current, euro).json()["id"]
    for answer in (
        take(of_bob, quoted),
        of_bob.get(f"/api/v1/exchange-quotes/{quoted}"),
        take(of_bob, UNKNOWN, "k" * 16),
    ):
        assert answer.status_code == 404
    done = take(alice_api, quoted).json()["id"]
    assert of_bob.get(f"/api/v1/exchanges/{done}").status_code == 404
    assert of_bob.get("/api/v1/exchanges").json()["data"] == []


def test_only_between_accounts_that_the_user_holds(alice, bob, current, euro, of_bob, rate):
    with pytest.raises(NotTheirs):
        quote_of(bob, current, of_bob)
    there = funded(bob, "Bob's euro", "EUR", amount_minor=0)
    with pytest.raises(PayeeUnreachable):
        quote_of(alice, current, there)
    for role, refusal in ((Role.READER, NotTheirs), (Role.DELEGATE, PayeeUnreachable)):
        AccountAccess.objects.filter(account=current, user=bob).delete()
        AccountAccess.objects.create(account=current, user=bob, role=role)
        with pytest.raises(refusal):
            quote_of(bob, current, there)
    AccountAccess.objects.filter(account=current, user=bob).delete()
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    assert exchanged(bob, current, there).user_id == bob.pk


def test_access_that_ended_since_the_quote_counts(alice, bob, current, rate):
    there = funded(bob, "Bob's euro", "EUR", amount_minor=0)
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    made = quote_of(bob, current, there)
    AccountAccess.objects.filter(account=current, user=bob).delete()
    with pytest.raises(NotTheirs):
        execute(made, bob)


@pytest.mark.parametrize("way", ["deactivated", "revoked", "narrowed", "access ended"])
def test_what_ends_between_quote_and_exchange_ends_the_exchange(
    alice, bob, current, euro, rate, api, access_token, way
):
    """ASVS 5.0 10.4.9, RFC 9396: this is checked at the moment when money moves."""
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    there = funded(bob, "Bob's euro", "EUR", amount_minor=0)
    detail = {
        "type": "account_access", "scopes": ["transfers:read", "transfers:write"], "identifier": UNKNOWN,
        "accounts_by": "consent",
    }  # fmt: skip
    consent = Consent.objects.create(id=UNKNOWN, user=bob, client_id="x", type="account_access", detail=detail)
    consent.accounts.set([current, there])
    app = api(access_token(bob, "transfers:read transfers:write", authorization_details=(detail,)))
    quoted = ask_quote(app, current, there).json()["id"]
    match way:
        case "deactivated":
            User.objects.filter(pk=bob.pk).update(is_active=False)
        case "revoked":
            Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
        case "narrowed":
            consent.accounts.set([current])
        case "access ended":
            AccountAccess.objects.filter(account=current, user=bob).delete()
    assert take(app, quoted).status_code in (401, 403, 404, 422)
    assert balances(current, there) == [10_000, 0]
    assert not Exchange.objects.exists()


def test_impossible_exchanges_are_refused(alice, current, savings, euro, rate):
    with pytest.raises(SameCurrency):
        quote_of(alice, current, savings)
    with pytest.raises(AmountOutOfRange):
        quote_of(alice, current, euro, 0)
    with pytest.raises(NoRate):
        quote_of(alice, current, funded(alice, "Yen", "JPY"))
    with pytest.raises(InsufficientFunds):
        exchanged(alice, current, euro, 10_001)
    assert balances(current, euro) == [10_000, 0]
    assert not LedgerTransaction.objects.filter(kind="exchange").exists()


@pytest.mark.parametrize("first", ["GBP", "EUR"])
def test_a_refusal_in_one_half_undoes_the_other(alice_api, current, euro, rate, first):
    """The refusal is stored with the key, in the same transaction. The half that is refused is the first or the
    second one."""
    for currency in (first, *({"GBP", "EUR"} - {first})):
        internal_account(currency, POSITION)
    quoted = ask_quote(alice_api, current, euro, 10_001).json()["id"]
    refused = take(alice_api, quoted)
    assert (refused.status_code, refused.json()["code"]) == (422, "insufficient_funds")
    assert take(alice_api, quoted).json() == refused.json()
    assert balances(current, euro) == [10_000, 0]
    assert not LedgerTransaction.objects.filter(kind="exchange").exists()


def test_a_frozen_account_pays_nothing_and_still_receives(alice, alice_api, current, euro, rate):
    quoted, other = (ask_quote(alice_api, current, euro).json()["id"] for _ in range(2))
    oversight.freeze(euro.pk, by=oversight.Officer(officer("a")), reason="x")
    assert take(alice_api, quoted).status_code == 201
    oversight.freeze(current.pk, by=oversight.Officer(officer("b")), reason="x")
    refused = take(alice_api, other, "another-key-of-16")
    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_open")
    with pytest.raises(AccountNotOpen):
        quote_of(alice, current, euro)


def test_a_dormant_account_pays_nothing(alice, current, euro, rate):
    made = quote_of(alice, current, euro)
    with no_triggers():
        Account.objects.filter(pk=current.pk).update(dormant_since=timezone.now())
        with pytest.raises(AccountDormant):
            execute(made, alice)
        Account.objects.filter(pk=current.pk).update(dormant_since=None)


def test_an_account_from_which_is_exchanged_is_in_use(alice, current, savings, euro, rate, settings):
    settings.BANK_DORMANT_DAYS = 30
    Account.objects.filter(kind="customer").update(opened_at=timezone.now() - timedelta(days=900))
    exchanged(alice, current, euro)
    assert dormancy.mark_unused() == 2
    assert set(Account.objects.filter(dormant_since__isnull=False)) == {savings, euro}
    assert not call("mark_dormant", current.pk, timezone.now() - timedelta(days=30))


def test_a_closed_account_ends_its_quotes(alice, current, rate):
    empty = funded(alice, "Empty", "EUR", amount_minor=0)
    made = quote_of(alice, current, empty)
    close(empty.pk, by=alice.pk, is_proven=True)
    with pytest.raises(AccountNotOpen):
        execute(made, alice)


def test_the_sum_of_the_day_counts(alice, alice_api, current, savings, euro, rate, settings):
    """RFC 9470; SCA-RTS art. 4, 5: what is exchanged and what is transferred count together."""
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 2000, "EUR": 2000}
    execute(quote_of(alice, current, euro, 1500), alice, is_proven=False)
    assert day_sum(alice.pk, "GBP").ordered == 1500
    assert day_sum(alice.pk, "GBP").to_others == 0
    with pytest.raises(StrongProofNeeded):
        execute(quote_of(alice, current, euro, 500), alice, is_proven=False)
    execute(quote_of(alice, current, euro, 500), alice)
    assert sent_notices("large_exchange") == {alice.email}
    assert execute(quote_of(alice, euro, current, 500, "EUR"), alice, is_proven=False)


def test_an_exchange_to_a_joint_account_counts_as_one_to_a_new_payee(alice, bob, current, rate, settings):
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 2000, "EUR": 2000}
    joint = funded(bob, "Of Bob", "EUR", amount_minor=0)
    sent = invitations.invite(joint.pk, alice.email, "holder", by=bob.pk, is_proven=True)
    invitations.accept(sent.pk, by=alice.pk, is_proven=True)
    assert execute(quote_of(alice, current, joint, 1500), alice)
    with pytest.raises(LimitExceeded):
        execute(quote_of(alice, current, joint, 501), alice)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        set_rate()
        assert execute(quote_of(alice, current, joint, 2500), alice)


def test_a_token_for_one_transfer_exchanges_nothing(alice, current, euro, rate, access_token, api):
    """RFC 9396."""
    detail = detail_of_a_transfer(alice, current, {"scheme": "iban", "identifier": "x", "name": "x"}, 5)
    limited = api(access_token(alice, "transfers:write", authorization_details=(detail,)))
    answer = ask_quote(limited, current, euro)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_authorization")


def test_the_bank_does_not_exchange_at_an_old_rate(alice, current, euro, rate, settings):
    """The market rate has changed if a feed has stopped or officers were away."""
    settings.EXCHANGE_RATE_HOURS = 72
    just_old_enough = timezone.now() + timedelta(hours=72)
    with time_machine.travel(just_old_enough - timedelta(minutes=1), tick=False):
        assert exchanges.exchangeable("EUR", {"GBP"}) == ["GBP"]
        quote_of(alice, current, euro)
    with time_machine.travel(just_old_enough, tick=False):
        assert exchanges.exchangeable("EUR", {"GBP"}) == []
        with pytest.raises(NoRate):
            quote_of(alice, current, euro)
        settings.EXCHANGE_RATE_HOURS = 0
        quote_of(alice, current, euro)


@pytest.mark.parametrize("hours", [0, 72])
def test_in_a_sandbox_the_age_of_a_rate_counts_as_well_and_play_money_has_none(
    hours, alice, current, euro, rate, settings
):
    settings.BANK_SANDBOX, settings.EXCHANGE_RATE_HOURS = True, hours
    with time_machine.travel(timezone.now() + timedelta(hours=73), tick=False):
        assert exchanges.exchangeable("GBP", {"EUR", "XTS"}) == ([] if hours else ["EUR"])
        assert exchanges.exchangeable("XTS", {"EUR", "GBP"}) == []
        with pytest.raises(NoRate):
            offer("XTS", "EUR")


def test_play_money_is_never_exchanged(alice, db):
    """There is no quote for it, and the database accepts no rate."""
    with pytest.raises(NoRate):
        offer("XTS", "GBP")
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeRate.objects.create(
            base="GBP", counter="XTS", mid=1, spread_percent=0, reason="x", status="approved", decided_at=timezone.now()
        )


def test_nobody_reverses_one_half(alice, current, euro, rate):
    done = exchanged(alice, current, euro)
    for half in (done.sold, done.bought):
        with pytest.raises(HalfOfExchange):
            oversight.request_reversal(half.pk, by=oversight.Officer(officer(f"o{half.pk}")), reason="x")
        with pytest.raises(HalfOfExchange):
            ledger.reverse(half)


def test_the_database_reverses_no_half(alice, current, euro, of_bob, rate):
    half = exchanged(alice, current, euro).sold
    with pytest.raises(HalfOfExchange):
        ledger.post([(current, 1), (of_bob, -1)], description="x", kind="reversal", reverses=half)


def test_one_half_alone_does_not_commit(alice, current, rate):
    other = funded(alice, "Other")
    with pytest.raises(IntegrityError, match="no half"):
        until_commit(lambda: ledger.post([(current, -1), (other, 1)], description="x", kind="exchange"))


FORGERIES = {
    "the amounts do not follow the rate": {"buy_minor": 1165},
    "the rate is not that of the bank": {"rate": Decimal("1.165"), "buy_minor": 1165},
    "the quote was not valid then": {"expires_at": "2020-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("why", FORGERIES)
def test_what_does_not_follow_the_rate_does_not_commit(alice, current, euro, rate, why, monkeypatch):
    """The quote is forged: somebody has written it into the table."""
    made = quote_of(alice, current, euro)
    forged = ExchangeQuote(
        **{field.attname: getattr(made, field.attname) for field in ExchangeQuote._meta.fields if field.name != "id"}
        | FORGERIES[why]
    )
    forged.save(force_insert=True)
    monkeypatch.setattr("banking.exchanges.execution._is_expired", lambda quoted, now: False)
    with pytest.raises(IntegrityError, match=why):
        until_commit(lambda: execute(forged, alice))


def test_a_quote_whose_rate_does_not_exist_yet_is_refused(alice, current, euro, rate, monkeypatch):
    """SET CONSTRAINTS runs this check before the foreign keys, and only once."""
    made = quote_of(alice, current, euro)
    forged = ExchangeQuote.objects.get(pk=made.pk)
    forged.pk, forged.of_rate_id = uuid7(), uuid7()
    monkeypatch.setattr("banking.exchanges.execution.rate_in_force", lambda *_, at: ExchangeRate(pk=forged.of_rate_id))

    def forge():
        forged.save(force_insert=True)
        execute(forged, alice)

    with pytest.raises(IntegrityError, match="there is no such quote or rate"):
        until_commit(forge, first="exchange_follows_its_quote")


def test_a_half_that_is_not_sealed_is_refused(alice, current, euro, rate):
    """The transaction of this half is not sealed when SET CONSTRAINTS runs the check."""
    made = quote_of(alice, current, euro)
    done = Exchange(
        quote=made, user=alice, client_id=made.client_id, idempotency_key="x", sold_id=uuid7(), bought_id=uuid7()
    )

    def post(half, account, amount_minor):
        currency = account.currency
        LedgerTransaction(id=half, currency=currency, kind="exchange", exchange_id=done.pk).save(force_insert=True)
        sides = ((account, amount_minor), (internal_account(currency, POSITION), -amount_minor))
        for one, minor in sides:
            LedgerEntry(
                transaction_id=half, account=one, currency=currency, amount_minor=minor, account_seq=0,
                balance_after_minor=0,
            ).save()  # fmt: skip

    def exchange():
        post(done.sold_id, current, -made.sell_minor)
        post(done.bought_id, euro, made.buy_minor)
        done.save(force_insert=True)

    with pytest.raises(IntegrityError, match="what was sold is not booked"):
        until_commit(exchange, first="exchange_follows_its_quote")


def test_no_other_quote_takes_the_place_of_a_used_one(alice, current, euro, rate):
    """Foreign keys that are checked at COMMIT would not notice."""
    quoted = exchanged(alice, current, euro).quote
    quoted.expires_at += timedelta(days=1)

    def replace():
        run("DELETE FROM exchange_quote")
        quoted.save(force_insert=True)

    with pytest.raises(IntegrityError, match="used_quote_stays"):
        until_commit(replace)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exchange SET client_id = 'x'",
        "DELETE FROM exchange",
        "UPDATE exchange_quote SET rate = 2",
        "UPDATE exchange_rate SET mid = 2",
        "UPDATE exchange_rate SET status = 'declined'",
        "DELETE FROM exchange_rate",
        "DELETE FROM exchange_quote",
    ],
)
def test_exchanges_quotes_and_rates_cannot_be_changed_or_deleted(alice, current, euro, rate, statement):
    exchanged(alice, current, euro)
    with pytest.raises(DatabaseError):
        until_commit(lambda: run(statement))


@pytest.mark.django_db(transaction=True)
def test_one_quote_taken_by_many_at_once(alice, current, euro, rate):
    made = quote_of(alice, current, euro)
    results = in_parallel(*[lambda: in_a_transaction(made, alice)] * 4)
    assert sorted(type(one).__name__ for one in results) == ["Exchange", "QuoteUsed", "QuoteUsed", "QuoteUsed"]
    assert balances(current, euro) == [9000, 1164]


@pytest.mark.django_db(transaction=True)
def test_exchanges_in_both_directions_do_not_deadlock(alice, bob, current, euro, rate):
    of_bob = funded(bob, "Pounds"), funded(bob, "Euros", "EUR")
    made = [(quote_of(alice, current, euro, 10), alice) for _ in range(4)]
    made += [(quote_of(bob, of_bob[1], of_bob[0], 10, "EUR"), bob) for _ in range(4)]
    results = in_parallel(*[partial(in_a_transaction, *one) for one in made])
    assert {type(one) for one in results} == {Exchange}
    assert Exchange.objects.count() == 8


def test_one_officer_asks_for_a_rate_and_another_approves(db, mailoutbox):
    first, second = (
        oversight.Officer(officer(name, "request_exchangerate", "approve_exchangerate")) for name in ("first", "second")
    )
    asked = oversight.request_rate(
        "GBP",
        "EUR",
        mid=Decimal("1.2"),
        spread_percent=Decimal(1),
        valid_from=timezone.now(),
        by=first,
        reason="Market",
    )
    with pytest.raises(NoRate):
        offer("GBP", "EUR")
    with pytest.raises(oversight.exchange_rates.SameUser):
        oversight.approve_rate(asked.pk, by=first)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeRate.objects.filter(pk=asked.pk).update(
            status="approved", decided_by=first.user, decided_at=timezone.now()
        )
    oversight.approve_rate(asked.pk, by=second)
    assert offer("GBP", "EUR").rate == Decimal("1.188")
    with pytest.raises(oversight.exchange_rates.AlreadyDecided):
        oversight.decline_rate(asked.pk, by=second, reason="x")
    with pytest.raises(IntegrityError, match="is fixed"), transaction.atomic():
        ExchangeRate.objects.filter(pk=asked.pk).update(status="declined")


def test_a_rate_cannot_be_approved_as_it_is_asked_for(db):
    with pytest.raises(IntegrityError, match="asked for first"), transaction.atomic():
        ExchangeRate.objects.create(
            base="GBP", counter="EUR", mid=1, spread_percent=0, reason="x", status="approved",
            requested_by=officer("a"), decided_by=officer("b"), decided_at=timezone.now(),
        )  # fmt: skip


def test_a_user_of_only_one_account_sees_no_exchange(alice, bob, current, euro, rate, api, access_token):
    done = exchanged(alice, current, euro)
    of_bob = api(access_token(bob, "transfers:read"))
    AccountAccess.objects.create(account=current, user=bob, role=Role.READER)
    assert of_bob.get(f"/api/v1/exchanges/{done.pk}").status_code == 404
    AccountAccess.objects.create(account=euro, user=bob, role=Role.READER)
    assert of_bob.get(f"/api/v1/exchanges/{done.pk}").json()["id"] == str(done.pk)


def test_an_app_sees_no_exchange_from_before_its_history(alice, current, euro, rate, api, access_token):
    """RFC 9396: the user allowed the history of some days."""
    done = exchanged(alice, current, euro)
    for since, seen in ((timezone.now() + timedelta(days=1), []), (timezone.now() - timedelta(days=1), [str(done.pk)])):
        detail = {
            "type": "account_information", "actions": ["accounts", "transactions"], "identifier": UNKNOWN,
            "accounts": [str(current.pk), str(euro.pk)], "history_from": since.date().isoformat(),
        }  # fmt: skip
        app = api(access_token(alice, "transfers:read", authorization_details=(detail,)))
        assert [one["id"] for one in app.get("/api/v1/exchanges").json()["data"]] == seen


def test_the_halves_are_posted_in_the_order_of_locks(alice, current, euro, rate):
    """The order is the same in both directions, so that exchanges of two users cannot deadlock."""
    positions = []
    for done in (exchanged(alice, current, euro), exchanged(alice, euro, current, 100, "EUR")):
        entries = LedgerEntry.objects.filter(transaction__exchange=done, account__kind="internal").order_by("pk")
        positions.append([entry.account_id for entry in entries])
    assert positions[0] == positions[1] == sorted(positions[0])


def test_quotes_that_nobody_took_are_deleted(alice, current, euro, rate):
    used = exchanged(alice, current, euro).quote
    quote_of(alice, current, euro)
    cleanup.delete_expired()
    assert ExchangeQuote.objects.count() == 2
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        cleanup.delete_expired()
    assert list(ExchangeQuote.objects.all()) == [used]


def test_the_admin_asks_for_a_rate_and_approves_it(db):
    first, second = officer("first", "request_exchangerate"), officer("second", "approve_exchangerate")
    yesterday = timezone.now() - timedelta(days=1)
    form = {
        "base": "gbp", "counter": "EUR", "mid": "1.2", "spread_percent": "1", "valid_from_0": f"{yesterday:%Y-%m-%d}",
        "valid_from_1": "00:00:00", "reason": "Market",
    }  # fmt: skip
    assert browser_of(second).get("/admin/banking/exchangerate/add/").status_code == 403
    answer = browser_of(first).post("/admin/banking/exchangerate/add/", form)
    assert answer.status_code == 302, answer.content
    asked = ExchangeRate.objects.get()
    assert (asked.status, asked.base, asked.requested_by) == ("open", "GBP", first)
    assert sent_notices("rate_requested") == {second.email}
    page = f"/admin/banking/exchangerate/{asked.pk}"
    assert browser_of(first).post(f"{page}/approve/", {}).status_code == 403
    assert "1.2" in browser_of(second).get(f"{page}/approve/").content.decode()
    assert browser_of(second).post(f"{page}/approve/", {"reason": ""}).status_code == 302
    assert offer("GBP", "EUR").rate == Decimal("1.188")
    assert browser_of(second).get(f"{page}/change/").status_code == 200
    for wrong in ({"base": "XTS"}, {"valid_from_0": "2026-01-01"}):
        assert browser_of(first).post("/admin/banking/exchangerate/add/", form | wrong).status_code == 200
    assert ExchangeRate.objects.count() == 1


def test_no_officer_makes_a_rate_at_which_they_could_exchange(alice, current, euro):
    """ISO 27001 A.5.3: an officer with access to accounts in both currencies can neither request nor decide a rate
    between them. The role on the accounts does not matter, and superusers are no exception.
    """
    first, second = officer("first", "request_exchangerate"), oversight.Officer(officer("second"))
    AccountAccess.objects.create(account=current, user=first, role=Role.READER)
    insider = oversight.Officer(alice)

    def ask(by, counter="EUR"):
        return oversight.request_rate(
            "GBP", counter, mid=Decimal("1.2"), spread_percent=Decimal(0), valid_from=timezone.now(), by=by, reason="x"
        )

    asked = ask(oversight.Officer(first))  # with an account in only one of the currencies, an officer cannot exchange
    for refused in (lambda: ask(insider), lambda: oversight.approve_rate(asked.pk, by=insider)):
        with pytest.raises(OwnCurrencies):
            refused()
    with pytest.raises(OwnCurrencies):
        oversight.decline_rate(asked.pk, by=insider, reason="x")
    with pytest.raises(IntegrityError, match="accounts in both currencies"), transaction.atomic():
        ExchangeRate.objects.create(base="EUR", counter="GBP", mid=1, spread_percent=0, requested_by=alice, reason="x")
    with pytest.raises(IntegrityError, match="accounts in both currencies"), transaction.atomic():
        ExchangeRate.objects.update(status="approved", decided_by=alice, decided_at=timezone.now())
    assert ask(insider, "USD").requested_by == alice
    oversight.approve_rate(asked.pk, by=second)
    close(euro.pk, by=alice.pk, is_proven=True)
    assert ask(insider).requested_by == alice


def test_the_admin_says_why_a_rate_is_not_asked_for(alice, current, euro):
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    form = {
        "base": "gbp", "counter": "EUR", "mid": "1.2", "spread_percent": "1", "valid_from_0": f"{timezone.now():%Y-%m-%d}",
        "valid_from_1": "00:00:00", "reason": "Market",
    }  # fmt: skip
    answer = browser_of(User.objects.get(pk=alice.pk)).post("/admin/banking/exchangerate/add/", form)
    assert "accounts in both currencies" in answer.content.decode()
    assert not ExchangeRate.objects.exists()


def test_the_admin_shows_what_was_exchanged(alice, current, euro, rate):
    done = exchanged(alice, current, euro)
    looking = browser_of(officer("looker"))
    assert str(done.pk) in looking.get(f"/admin/banking/exchange/?q={done.sold_id}").content.decode()
    assert "1.16415" in looking.get(f"/admin/banking/exchange/{done.pk}/change/").content.decode()


def test_an_operator_sets_a_rate(capsys, db):
    call_command("exchange_rate", "gbp", "eur", "1.2", spread="1")
    assert capsys.readouterr().out == "GBP/EUR 1.2, spread 1 %\n"
    assert offer("EUR", "GBP").rate == Decimal("0.825")
    refused = {
        ("GBP", "XTS", "1"): "not play money",
        ("ZZZ", "EUR", "1"): "ISO 4217",
        ("GBP", "EUR", "x"): "decimal numbers",
        ("GBP", "GBP", "1"): "must differ",
        ("GBP", "EUR", "-1"): "above 0",
    }
    for wrong, why in refused.items():
        with pytest.raises(CommandError, match=why):
            call_command("exchange_rate", "--", *wrong)
    with pytest.raises(CommandError, match="below 100"):
        call_command("exchange_rate", "GBP", "EUR", "1", spread="-1")
