"""A bank at work while things break: what was acknowledged is there, once, and every penny is accounted for.

`make simulate` runs it for a minute; SECONDS=… and SEED=… as you like. The seed decides what people do and what breaks;
the operating system decides who comes first, so a seed repeats the plan, not every race.
"""

import os
import random
import threading
from collections import Counter
from datetime import timedelta

import psutil
import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import orders, payments
from banking.ledger import audit
from banking.models import Account, LedgerTransaction, ScheduledTransfer, Transfer
from oauth.conf import conf
from tests.lib.database import site_role, url_of
from tests.lib.ledger import funded
from tests.lib.registered import make_user
from tests.lib.servers import run
from tests.simulation.faults import BackgroundWorker, Faults
from tests.simulation.people import Person, Sent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.simulation]
SECONDS = float(os.environ.get("SECONDS") or 4)
PEOPLE, ACCOUNTS_EACH, FUNDS_MINOR = 8, 2, 20_000


@pytest.fixture
def seed():
    number = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
    print(f"\nSEED={number} SECONDS={SECONDS:g}")  # noqa: T201 (also what pytest shows where it fails)
    return number


@pytest.fixture
def site(signing_keys, tmp_path):
    """The site and its worker, served with the site's own role."""
    with site_role() as role:
        environment = {
            "DATABASE_URL": url_of(role), "OAUTH_ISSUER": conf.ISSUER, "THROTTLE_SCALE": "10000", "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        with run("serve", "--workers", "2", data_dir=tmp_path, environment=environment) as server:
            worker = BackgroundWorker(environment, tmp_path / "worker.log")
            try:
                yield server, worker, role
            finally:
                worker.stop()


@pytest.fixture
def people(access_token, seed, site):
    server, _, _ = site
    accounts = {}
    for number in range(PEOPLE):
        user = make_user(f"person-{number}@example.test", f"Person {number}")
        accounts[user] = [funded(user, f"Account {n}", amount_minor=FUNDS_MINOR) for n in range(ACCOUNTS_EACH)]
    expires_at = timezone.now() + timedelta(seconds=SECONDS + 300)
    scope = "balances:read transfers:read transfers:write"
    return [
        Person(
            url=server.url,
            token=access_token(user, scope, expires_at=expires_at),
            accounts=[str(account.pk) for account in own],
            ibans_of_others=[account.iban for other, theirs in accounts.items() if other != user for account in theirs],
            dice=random.Random(f"{seed} person {number}"),
        )
        for number, (user, own) in enumerate(accounts.items())
    ]


def test_acknowledged_is_stored_and_nothing_is_lost(people, site, seed):
    """Every transfer that the API acknowledged is stored, and the ledger balances, whatever failed on the way."""
    server, worker, role = site
    faults = Faults(
        owner_url=url_of(), role=role, server=psutil.Process(server.process.pid), worker=worker,
        dice=random.Random(f"{seed} faults"),
    )  # fmt: skip
    stop = threading.Event()
    threads = [threading.Thread(target=one.act_until, args=[stop]) for one in people]
    threads.append(threading.Thread(target=faults.happen_until, args=[stop]))
    threads += [threading.Thread(target=pay_orders_until, args=[stop]) for _ in range(2)]
    for thread in threads:
        thread.start()
    stop.wait(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    server.stop()
    worker.stop()

    sent = [one for person in people for one in person.sent]
    told = sum((person.told for person in people), Counter())
    print(f"{len(sent)} transfers asked for; answers {dict(told)}; {dict(faults.happened)}")  # noqa: T201
    assert sum(one.transfer_id is not None for one in sent) > SECONDS, server.log[-2000:]
    assert faults.happened["connections cut"] > SECONDS / 2
    assert [violation for person in people for violation in person.violations] == []
    orders.run_due()
    assert orders_are_paid_once({key: told for person in people for key, told in person.ordered.items()}) == []
    finish_what_is_pending()
    assert transfers_are_as_told(sent) == []
    balances_follow_from_the_transfers()
    assert all(finding.is_clean for finding in audit())


def pay_orders_until(stop: threading.Event) -> None:
    """As the periodic task does, but more often, and two beside each other."""
    try:
        while not stop.wait(0.2):
            orders.run_due()
    finally:
        connection.close()


def orders_are_paid_once(ordered: dict[str, str | None]) -> list[str]:
    """Every acknowledged order is stored; it has made one transfer, or waits for its next attempt."""
    stored = {one.idempotency_key: one for one in ScheduledTransfer.objects.all()}
    wrong = [f"nobody ordered {key}" for key in stored.keys() - ordered.keys()]
    for key, acknowledged in ordered.items():
        order = stored.get(key)
        if acknowledged and (order is None or str(order.pk) != acknowledged):
            wrong.append(f"acknowledged and not there: {key}")
        if order is not None:
            made = order.transfers.count()
            if (order.status, made) != ("completed", 1) and (order.status, made, bool(order.refusal)) != (
                "active",
                0,
                True,
            ):
                wrong.append(f"{order.status} with {made} transfers: {key}")
    return wrong


def finish_what_is_pending() -> None:
    """A pending transfer has a job that will settle it, begun or not; settling again does no harm."""
    pending = set(Transfer.objects.filter(status="pending").values_list("pk", flat=True))
    jobs = ProcrastinateJob.objects.filter(task_name="banking.settle_transfer", status__in=["todo", "doing"])
    assert {str(pk) for pk in pending} <= {args["transfer_id"] for args in jobs.values_list("args", flat=True)}
    for pk in pending:
        payments.settle(pk)
        payments.settle(pk)


def transfers_are_as_told(sent: list[Sent]) -> list[str]:
    """Every acknowledged transfer once, and every other at most once; none that nobody asked for."""
    asked = Transfer.objects.filter(scheduled=None)
    stored = {one.idempotency_key: one for one in asked.select_related("transaction")}
    assert asked.count() == len(stored)
    posted = Transfer.objects.filter(status="posted").count()
    assert LedgerTransaction.objects.filter(kind="transfer").count() == posted
    wrong = [f"nobody asked for {key}" for key in stored.keys() - {one.key for one in sent}]
    for one in sent:
        transfer = stored.get(one.key)
        if one.transfer_id and (transfer is None or str(transfer.pk) != one.transfer_id):
            wrong.append(f"acknowledged and not there: {one}")
        if one.refused_with and transfer is not None:
            wrong.append(f"refused and there: {one}")
        if transfer and transfer.amount_minor != one.amount_minor:
            wrong.append(f"another amount: {one}")
        if transfer and one.is_cancelled and transfer.status != "cancelled":
            wrong.append(f"cancelled and {transfer.status}: {one}")
    return wrong


def balances_follow_from_the_transfers() -> None:
    """Not by the ledger's own entries: what people were given, less what left, plus what came."""
    posted = Transfer.objects.filter(status="posted")
    for account in Account.objects.filter(kind="customer"):
        out = posted.filter(source=account).aggregate(total=Sum("amount_minor"))["total"] or 0
        came = posted.filter(destination=account).aggregate(total=Sum("amount_minor"))["total"] or 0
        assert (account.posted_minor, account.held_minor) == (FUNDS_MINOR - out + came, 0), account
    assert Account.objects.aggregate(total=Sum("posted_minor"))["total"] == 0
