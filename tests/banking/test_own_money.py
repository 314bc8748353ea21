"""Staff cannot act on their own money, and no officer alone can freeze and unfreeze an account or reverse a payment."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from banking import ledger, oversight
from banking.models import AccountAccess, AccountFreeze, ReversalRequest, ScheduledTransfer
from banking.oversight.freezing import SameUser
from banking.oversight.own_money import OwnMoney
from tests.lib.staff import browser_of, officer

pytestmark = pytest.mark.django_db
RIGHTS = ("freeze_account", "request_reversal", "approve_reversal", "hold_scheduledtransfer")


@pytest.fixture
def first(db):
    return officer("first", *RIGHTS)


@pytest.fixture
def second(db):
    return officer("second", *RIGHTS)


@pytest.fixture(params=["owner", "holder", "reader"])
def insider(request, alice, current):
    """A member of staff with access to the account; a superuser is not an exception."""
    if request.param == "owner":
        User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
        alice.refresh_from_db()
        return alice
    user = officer("insider", *RIGHTS)
    AccountAccess.objects.create(account=current, user=user, role=request.param)
    return user


@pytest.fixture
def payment(current, of_bob):
    return ledger.post([(current, -2_000), (of_bob, 2_000)], description="Rent", kind="transfer")


def by(user):
    return oversight.Officer(user)


def act(user, model, pk, how):
    return browser_of(user).post(f"/admin/banking/{model}/{pk}/{how}/", {"reason": "x"})


def test_nobody_unfreezes_an_account_that_they_have_access_to(insider, first, current):
    """In the admin."""
    oversight.freeze(current.pk, by=by(first), reason="Stolen card")
    answer = act(insider, "account", current.pk, "unfreeze")
    assert "Somebody else must do it" in answer.content.decode()
    current.refresh_from_db()
    assert current.status == "frozen"


def test_freezing_for_oneself_is_allowed(insider, current):
    assert act(insider, "account", current.pk, "freeze").status_code == 302
    current.refresh_from_db()
    assert current.status == "frozen"


def test_the_officer_who_froze_an_account_cannot_unfreeze_it(first, second, current):
    oversight.freeze(current.pk, by=by(first), reason="Stolen card")
    assert "frozen this account yourself" in act(first, "account", current.pk, "unfreeze").content.decode()
    with pytest.raises(SameUser):
        oversight.unfreeze(current.pk, by=by(first), reason="x")
    assert act(second, "account", current.pk, "unfreeze").status_code == 302
    current.refresh_from_db()
    frozen = AccountFreeze.objects.get()
    assert (current.status, frozen.frozen_by, frozen.unfrozen_by) == ("open", first, second)
    oversight.freeze(current.pk, by=by(second), reason="Again")
    oversight.unfreeze(current.pk, by=by(first), reason="x")


@pytest.mark.parametrize("how", ["approve", "decline"])
def test_nobody_decides_about_a_reversal_that_touches_their_account(insider, first, payment, how):
    request = oversight.request_reversal(payment.pk, by=by(first), reason="Wrong")
    assert "Somebody else must do it" in act(insider, "reversalrequest", request.pk, how).content.decode()
    request.refresh_from_db()
    assert request.status == "open"


def test_nobody_asks_for_a_reversal_that_touches_their_account(insider, payment):
    answer = act(insider, "ledgertransaction", payment.pk, "request-reversal")
    assert "Somebody else must do it" in answer.content.decode()
    assert not ReversalRequest.objects.exists()


@pytest.mark.parametrize("insider", ["holder"], indirect=True)
def test_the_database_itself_refuses_it(insider, first, second, current, payment):
    """It also refuses the same user twice, for every role."""
    frozen = AccountFreeze.objects.create(account=current, reason="x", frozen_by=first)
    request = ReversalRequest.objects.create(transaction=payment, reason="x", requested_by=first)
    reversal = ledger.reverse(payment)
    now = timezone.now()
    approval = {"status": "approved", "decided_at": now, "reversal": reversal}
    for name, work in (
        ("unfrozen_by_another", lambda: _update(frozen, unfrozen_by=first, unfrozen_at=now)),
        ("unfreezing_own_account", lambda: _update(frozen, unfrozen_by=insider, unfrozen_at=now)),
        ("freeze_fixed", lambda: _update(frozen, frozen_by=second)),
        ("reversal_of_own_money", lambda: _update(request, decided_by=insider, **approval)),
        ("reversal_of_own_money", lambda: ReversalRequest.objects.create(
            transaction=reversal, reason="x", requested_by=insider)),
    ):  # fmt: skip
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            work()
        assert refused.value.__cause__.diag.constraint_name == name
    _update(frozen, unfrozen_by=second, unfrozen_at=now)
    _update(request, decided_by=second, **approval)


def _update(row, **values):
    assert type(row).objects.filter(pk=row.pk).update(**values) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_account_frozen_before_freezes_were_written_down_is_unfrozen_without_access(first, insider, current):
    type(current).objects.filter(pk=current.pk).update(status="frozen")
    with pytest.raises(OwnMoney):
        oversight.unfreeze(current.pk, by=by(insider), reason="x")
    oversight.unfreeze(current.pk, by=by(first), reason="x")


def test_nobody_releases_or_cancels_an_order_of_their_account(insider, first, current, savings, alice):
    order = ScheduledTransfer.objects.create(
        user=alice, client_id="x", idempotency_key="k", source=savings, destination=current, currency="GBP",
        amount_minor=1, reference="Rent", frequency="weekly", first_on=timezone.localdate(),
        next_on=timezone.localdate(),
    )  # fmt: skip
    oversight.hold_order(order.pk, by=by(first), reason="x")
    for how in ("release", "cancel"):
        assert "Somebody else must do it" in act(insider, "scheduledtransfer", order.pk, how).content.decode()
    order.refresh_from_db()
    assert order.status == "held"
