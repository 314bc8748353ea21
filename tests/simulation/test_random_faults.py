"""Runs a bank while parts of it fail. Afterwards, everything that was acknowledged exists exactly once, and the ledger
balances.

Customers pay, set up orders, exchange currency, and remove apps; officers freeze, hold and reverse; shops place and
capture holds; creditors collect, and users request refunds; rates change; days and months end. Meanwhile connections
are closed and processes killed. `make simulate` runs it for a minute; set SECONDS and SEED to change the run. The seed
decides what users do and what breaks, but the operating system decides the order of simultaneous actions, so a seed
does not repeat every race.
"""

import logging
import os
import random
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psutil
import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import direct_debits, end_of_day, ledger, orders, oversight, payments, second_bank
from banking.accounts.opening import SUSPENSE, internal_account
from banking.direct_debits.collections import DIRECT_DEBITS
from banking.models import (
    Account,
    AccountFreeze,
    BankDay,
    DirectDebitRefund,
    Product,
    ReversalRequest,
    SchemeMessage,
    Transfer,
)
from banking.notation import bank_day
from banking.payments.incoming import INCOMING
from banking.payments.scheme import Unanswered
from banking.payments.settlement import OUTGOING
from oauth.conf import conf
from tests.lib.database import connected_as, site_role, url_of
from tests.lib.ledger import funded
from tests.lib.registered import make_client, make_user
from tests.lib.servers import run
from tests.lib.staff import officer
from tests.simulation import checks, exchange_checks
from tests.simulation.actors import Actor
from tests.simulation.apps import App, Removals
from tests.simulation.changers import CURRENCIES, Changer, Rates
from tests.simulation.creditors import Creditors
from tests.simulation.desk import Desk
from tests.simulation.elsewhere import Elsewhere
from tests.simulation.faults import BackgroundWorker, Faults
from tests.simulation.officers import Officer
from tests.simulation.people import Person
from tests.simulation.shops import OF_SHOPS, Shop
from tests.simulation.tasks import Tasks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.simulation]
SECONDS = float(os.environ.get("SECONDS") or 4)
PEOPLE, ACCOUNTS_EACH = 8, 2
#: The first account of each user has money for a long time, the second one soon runs out of it.
FUNDS_MINOR = (3_000_000, 30_000)
#: Higher than all sums here, because the bank's limits have their own tests.
PLENTY = 10**12
LIMITS = ",".join(f"{currency}={PLENTY}" for currency in CURRENCIES)
#: The initial amount of each foreign currency, which is enough for a few exchanges.
FOREIGN_FUNDS_MINOR = 5_000
SECONDS_OF_A_DAY = 3.0
#: Days that have ended. In a long run, they include the last day of a month.
DAYS_TO_CLOSE = 30 if SECONDS >= 60 else 1


@pytest.fixture
def seed():
    number = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
    print(f"\nSEED={number} SECONDS={SECONDS:g}")  # noqa: T201 (also what pytest shows where it fails)
    return number


@pytest.fixture
def role(settings, tmp_path):
    """The site's own database role, which the site, its worker and all actors of this simulation use."""
    settings.LEDGER_DIGEST_FILE = str(tmp_path / "digests")
    settings.STEP_UP_AMOUNT_MINOR = settings.NEW_PAYEE_LIMIT_MINOR = dict.fromkeys(CURRENCIES, PLENTY)
    settings.BANK_CATCH_UP_DAYS = 10_000
    logging.disable(logging.CRITICAL)  # because connections are closed all the time
    with site_role() as role:
        yield role
    logging.disable(logging.NOTSET)


@pytest.fixture
def site(role, signing_keys, tmp_path):
    environment = {
        "DATABASE_URL": url_of(role), "OAUTH_ISSUER": conf.ISSUER, "THROTTLE_SCALE": "10000", "LOG_LEVEL": "ERROR",
        "LEDGER_DIGEST_FILE": str(tmp_path / "digests"), "STEP_UP_AMOUNT_MINOR": LIMITS,
        "NEW_PAYEE_LIMIT_MINOR": LIMITS, "STEP_UP_MAX_AGE_SECONDS": "86400",
    }  # fmt: skip
    with run("serve", "--workers", "2", data_dir=tmp_path, environment=environment) as server:
        worker = BackgroundWorker(environment, tmp_path / "worker.log")
        try:
            yield server, worker
        finally:
            worker.stop()


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def accounts(seed):
    """Makes accounts with entries around the ends of months, by user."""
    dice = random.Random(f"{seed} past")
    ends = [datetime(2026, month, 1, tzinfo=UTC) for month in (9, 10, 11)]
    accounts = {}
    for purpose in (OF_SHOPS, SUSPENSE):
        internal_account("GBP", purpose)
    for shard in range(1, 9):
        internal_account("GBP", f"{OUTGOING} {shard}")
        internal_account("GBP", f"{INCOMING} {shard}")
        internal_account("GBP", f"{DIRECT_DEBITS} {shard}")
    for number in range(PEOPLE):
        user = make_user(f"person-{number}@example.test", f"Person {number}")
        accounts[user] = [funded(user, f"Account {n}", amount_minor=0) for n in range(ACCOUNTS_EACH)]
    terms = Product.objects.create(
        name="With terms", kind="current", currency="GBP", credit_interest_rate=5, monthly_fee_minor=300
    )
    Account.objects.filter(pk__in=[own[1].pk for own in accounts.values()]).update(product=terms)
    first_day = bank_day.today() - timedelta(days=DAYS_TO_CLOSE)
    BankDay.objects.create(day=first_day, ends_at=bank_day.ends_at(first_day))
    world = internal_account("GBP", "Clearing")
    Account.objects.update(opened_at=datetime(2026, 8, 1, tzinfo=UTC))
    for end in ends:
        for account, funds_minor in (
            (one, minor) for own in accounts.values() for one, minor in zip(own, FUNDS_MINOR, strict=True)
        ):
            at = end + timedelta(seconds=dice.uniform(-2, 2))
            amount_minor = funds_minor // len(ends)
            entries = [(world, -amount_minor), (account, amount_minor)]
            ledger.post(entries, description="Opening", kind="opening", created_at=at)
    return accounts


@pytest.fixture
def people(accounts, seed, site, desk):
    server, _ = site
    clients = [make_client("mobile", client_id=name, name=name) for name in ("everyday-app", "budget-app")]
    for client in clients:
        client.save()
    people = []
    for number, (user, own) in enumerate(accounts.items()):
        apps = [App(user.pk, client.client_id) for client in clients]
        apps[1].is_removed_at_times = True
        for app in apps:
            app.allow()
        people.append(
            Person(
                url=server.url, user_id=user.pk, apps=apps, accounts=[str(account.pk) for account in own], desk=desk,
                ibans_of_others=[
                    account.iban for other, theirs in accounts.items() if other != user for account in theirs
                ],
                dice=random.Random(f"{seed} person {number}"),
            )
        )  # fmt: skip
    return people


@pytest.fixture
def rates(seed, role, desk):
    rates = Rates(random.Random(f"{seed} rates"), desk)
    rates.set_all()
    return rates


@pytest.fixture
def changers(accounts, people, rates, seed, desk):
    """Some of the users, each also on a second device. At the same time, their other apps pay from the accounts whose
    currency they sell.
    """
    changers = []
    for person, (user, own) in list(zip(people, accounts.items(), strict=True))[:3]:
        foreign = {
            currency: funded(user, currency, currency, FOREIGN_FUNDS_MINOR)
            for currency in CURRENCIES
            if currency != "GBP"
        }
        of_currencies = {currency: str(account.pk) for currency, account in ({"GBP": own[0]} | foreign).items()}
        changers.append(
            Changer(
                url=person.url, app=person.apps[0], accounts=of_currencies, desk=desk,
                dice=random.Random(f"{seed} changer {len(changers)}"),
            )
        )  # fmt: skip
    return changers


@pytest.fixture
def officers(accounts, changers, seed, desk):
    every = [account.pk for own in accounts.values() for account in own]
    every += [UUID(one.accounts[currency]) for one in changers for currency in ("EUR", "JPY")]
    return [
        Officer(
            officer(f"officer-{number}", "request_reversal"), every, random.Random(f"{seed} officer {number}"), desk
        )
        for number in range(2)
    ]


def test_acknowledged_is_stored_and_nothing_is_lost(
    accounts, people, changers, rates, officers, site, role, seed, desk
):
    """Everything that the bank acknowledged is stored, and the ledger balances, despite all failures."""
    server, worker = site
    opening = dict(Account.objects.filter(kind="customer").values_list("pk", "posted_minor"))
    faults = Faults(
        owner_url=url_of(), role=role, server=psutil.Process(server.process.pid), worker=worker,
        dice=random.Random(f"{seed} faults"),
    )  # fmt: skip
    devices = [
        person.on_another_device(random.Random(f"{seed} device {number}")) for number, person in enumerate(people[::3])
    ]
    with connected_as(role):
        in_pounds = [account.pk for own in accounts.values() for account in own]
        others = [one.on_another_device(random.Random(f"{seed} other {n}")) for n, one in enumerate(changers)]
        changing = [*changers, *others]
        everybody_acts([*people, *devices, *changing], rates, officers, in_pounds, faults, desk, seed)
        the_bank_goes_on_without_faults(officers, desk)
        wrong = [*desk.violations]
        for person in people:
            wrong += checks.the_api_shows_what_it_told(person)
        for changer in changers:
            wrong += exchange_checks.the_api_shows_them(changer)
    server.stop()
    worker.stop()
    told = sum((one.told for one in [*people, *devices, *changing]), Counter()) + desk.told
    exchanged = say_exchanges(changers, rates)
    print(f"{dict(told)}; {dict(faults.happened)}; {say(desk) | exchanged}")  # noqa: T201
    assert wrong == []
    finish_what_is_pending()
    sent = [one for person in people for one in person.sent]
    assert sum(one.id is not None for one in sent) > SECONDS, server.log[-2000:]
    assert faults.happened["connections cut"] > SECONDS / 2
    assert SECONDS < 60 or all((say(desk) | exchanged).values()), (
        say(desk) | exchanged
    )  # otherwise, the run would test less than it claims
    assert [
        *checks.transfers_are_as_told(sent),
        *checks.orders_are_paid_once_a_day([one for person in people for one in person.ordered], desk),
        *checks.removed_apps_did_nothing(desk),
        *checks.frozen_accounts_paid_nothing(desk),
        *checks.officers_acts_are_as_told(desk),
        *checks.holds_are_as_told(desk),
        *checks.direct_debits_are_as_told(desk),
        *checks.statements_add_up(people),
        *checks.balances_follow(opening),
        *checks.the_second_bank_agrees(desk),
        *exchange_checks.exchanges_are_as_told(changers, rates.acknowledged),
        *exchange_checks.positions_follow(),
        *checks.every_day_is_closed(),
        *checks.every_audit_was_clean(),
    ] == []
    assert [finding for finding in ledger.audit_and_record() if not finding.is_clean] == []
    assert [finding for finding in ledger.audit() if not finding.is_clean] == []


def everybody_acts(people, rates, officers, accounts, faults, desk, seed):
    stop = threading.Event()
    tasks = Tasks(random.Random(f"{seed} tasks"), desk)
    ibans = list(Account.objects.filter(pk__in=accounts).values_list("iban", flat=True))
    elsewhere = Elsewhere(ibans, random.Random(f"{seed} elsewhere"), desk)
    creditors = [Creditors(ibans, random.Random(f"{seed} creditors {number}"), desk) for number in range(2)]
    shop = Shop(accounts, random.Random(f"{seed} shop"), desk)
    removals = Removals(
        [one.apps[1] for one in people if isinstance(one, Person) and one.sets_limits],
        desk,
        random.Random(f"{seed} removals"),
    )
    actors = [
        *(Actor(person.act, desk, stop) for person in people),
        *(Actor(one.act, desk, stop, pause_seconds=0.1) for one in officers),
        Actor(shop.act, desk, stop, pause_seconds=0.05),
        Actor(elsewhere.act, desk, stop, pause_seconds=0.1),
        *(Actor(one.act, desk, stop, pause_seconds=0.1) for one in creditors),
        Actor(removals.act, desk, stop, pause_seconds=0.5),
        Actor(rates.act, desk, stop, pause_seconds=2),
        Actor(tasks.a_day_passes, desk, stop, pause_seconds=SECONDS_OF_A_DAY),
        *(Actor(tasks.pay_orders, desk, stop, pause_seconds=0.2) for _ in range(2)),
        Actor(tasks.clear_up, desk, stop, pause_seconds=0.3),
        Actor(tasks.audit, desk, stop, pause_seconds=5),
        threading.Thread(target=faults.happen_until, args=[stop]),
    ]
    for actor in actors:
        actor.start()
    stop.wait(SECONDS)
    stop.set()
    for actor in actors:
        actor.join()


def the_bank_goes_on_without_faults(officers, desk):
    """Ends the faults: unfreezes accounts, declines requests that wait for a second officer, and pays due orders."""
    connection.close()  # this connection may have been closed
    one, other = officers
    for freeze in AccountFreeze.objects.filter(unfrozen_by=None):
        by = other if freeze.frozen_by_id == one.user.pk else one
        oversight.unfreeze(freeze.account_id, by=by.by, reason="simulated")
    for asked in ReversalRequest.objects.filter(status="open"):
        by = other if asked.requested_by_id == one.user.pk else one
        oversight.decline_reversal(asked.pk, by=by.by, reason="simulated")
    desk.today += timedelta(days=1)  # payments that were refused today are not tried again
    orders.run_due(today=desk.today)
    end_of_day.close_days()


def finish_what_is_pending():
    """Each pending transfer to another bank waits in the queue. Settles all of them, twice, and reads all messages of
    the second bank.
    """
    pending = Transfer.objects.filter(status="pending").values_list("pk", flat=True)
    jobs = ProcrastinateJob.objects.filter(task_name="banking.settle_transfer", status__in=["todo", "doing"])
    assert {str(pk) for pk in pending} <= {args["transfer_id"] for args in jobs.values_list("args", flat=True)}
    for _ in range(4):
        for pk in pending.all():
            with suppress(Unanswered):
                payments.settle(pk)
                payments.settle(pk)
        second_bank.deliver_due(also_later=True)
    for pk in SchemeMessage.objects.filter(status="to_return").values_list("pk", flat=True):
        payments.give_back(pk)
        payments.give_back(pk)
    for pk in DirectDebitRefund.objects.filter(status__in=DirectDebitRefund.WAITING).values_list("pk", flat=True):
        direct_debits.claim_refund(pk)
        direct_debits.claim_refund(pk)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        payments.expire()
    assert [*pending.values("pk", "amount_minor", "submitted_at", "status_reason", "source__status")] == []


def say(desk):
    """Prints how often each event happened."""
    return {
        "days": (desk.today - bank_day.today()).days,
        "approved": len(desk.approved), "declined": len(desk.declined), "frozen": desk.frozen.total(),
        "stops": sum(map(len, desk.stops.values())), "removed": sum(map(len, desk.removed.values())),
        "taken": len(desk.captured), "paid in": len(desk.received), "given back": len(desk.released),
        "collected": sum(one.received is not None for one in desk.collections.values()),
        "mandates ended": len(desk.ended), "refunded": len(desk.refunded),
    }  # fmt: skip


def say_exchanges(changers, rates):
    taken = [one for changer in changers for one in changer.taken]
    refused = Counter(one.refused_with for one in taken if one.refused_with)
    return {"rates": len(rates.acknowledged), "exchanged": sum(one.id is not None for one in taken), **dict.fromkeys(
        ("quote_used", "quote_expired", "rate_moved"), 0
    ), **refused}  # fmt: skip
