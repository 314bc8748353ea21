"""A user applies for an account, and an officer opens it or declines."""

import pytest

from banking import oversight
from banking.account_life.applications import apply, withdraw
from banking.account_life.refusals import AlreadyApplied, ApplicationOver, TooMany
from banking.accounts.opening import open_account
from banking.models import Account, AccountApplication, Product
from banking.notation import iban
from banking.oversight import Officer
from banking.oversight.applications import NotOpen, OwnApplication, approve_application
from banking.payments.refusals import NotTheirs
from oauth.models import AuditEvent
from tests.lib.bank_notices import sent_notices
from tests.lib.staff import browser_of, officer
from tests.lib.web_bank import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def saver(db):
    return Product.objects.create(name="Saver", kind="savings", currency="EUR", is_on_offer=True)


@pytest.fixture
def clerk(db):
    return officer("clerk", "decide_accountapplication")


@pytest.fixture
def web(alice):
    return browser_of(alice)


def test_from_the_form_to_the_open_account(web, alice, clerk, saver):
    page = web.get("/bank/open")
    assert "Saver" in text(page)
    answer = web.post("/bank/open", {"product": str(saver.pk), "name": "Summer in Lyon"})
    assert answer.status_code == 303
    assert "We are looking at it" in text(web.get("/bank/open"))
    application = AccountApplication.objects.get()
    assert sent_notices("application_made") == {clerk.email}
    approve = f"/admin/banking/accountapplication/{application.pk}/approve/"
    assert browser_of(clerk).post(approve, {}).status_code == 302
    account = Account.objects.get(holder=alice)
    assert (account.name, account.currency, account.type, account.product) == (
        "Summer in Lyon",
        "EUR",
        "savings",
        saver,
    )
    assert iban.is_valid(account.iban)
    assert sent_notices("application_decided") == {alice.email}
    event = AuditEvent.objects.get(action="staff_acted")
    assert (event.endpoint, event.actor, event.user) == ("bank.account_opened", str(clerk.pk), str(alice.pk))
    assert "Summer in Lyon" in text(web.get("/bank/"))
    assert browser_of(clerk).post(approve, {}).status_code == 200
    assert Account.objects.filter(holder=alice).count() == 1


def test_a_refusal_tells_the_reason(web, alice, clerk, saver):
    application = apply(alice.pk, saver.pk, "x")
    url = f"/admin/banking/accountapplication/{application.pk}/refuse/"
    assert browser_of(clerk).post(url, {"reason": "We need your address first."}).status_code == 302
    assert "We need your address first." in text(web.get("/bank/open"))
    assert not Account.objects.filter(holder=alice).exists()
    assert apply(alice.pk, saver.pk, "x").status == "open"


def test_one_application_at_a_time_for_what_is_on_offer(web, alice, saver):
    apply(alice.pk, saver.pk, "x")
    with pytest.raises(AlreadyApplied):
        apply(alice.pk, saver.pk, "y")
    assert "We are looking at your application" in text(web.post("/bank/open", {"product": str(saver.pk), "name": "x"}))
    Product.objects.update(is_on_offer=False)
    with pytest.raises(NotTheirs):
        apply(alice.pk, saver.pk, "x")
    assert web.post("/bank/open", {"product": str(saver.pk), "name": "x"}).status_code == 400


def test_a_user_applies_ten_times_a_day(alice, saver):
    for _ in range(10):
        withdraw(apply(alice.pk, saver.pk, "x").pk, by=alice.pk)
    with pytest.raises(TooMany):
        apply(alice.pk, saver.pk, "x")


def test_a_withdrawn_application_is_not_approved(web, alice, bob, clerk, saver):
    application = apply(alice.pk, saver.pk, "x")
    with pytest.raises(NotTheirs):
        withdraw(application.pk, by=bob.pk)
    assert web.post(f"/bank/applications/{application.pk}/withdraw").status_code == 303
    with pytest.raises(ApplicationOver):
        withdraw(application.pk, by=alice.pk)
    with pytest.raises(NotOpen):
        oversight.approve_application(application.pk, by=Officer(clerk))


def test_nobody_decides_about_their_own_application(clerk, saver):
    application = apply(clerk.pk, saver.pk, "x")
    with pytest.raises(OwnApplication):
        oversight.approve_application(application.pk, by=Officer(clerk))


def test_no_account_gets_the_number_of_another(alice, clerk, saver, monkeypatch):
    """In a bank with a million accounts, one in a hundred random numbers is taken."""
    taken, numbers = open_account(alice, name="First", currency="EUR"), iter([7, 7, 8])
    Account.objects.filter(pk=taken.pk).update(iban=iban.from_number(7))
    monkeypatch.setattr(iban.secrets, "randbelow", lambda _: next(numbers))
    application = apply(alice.pk, saver.pk, "Second")
    opened = approve_application(application.pk, by=Officer(clerk))
    assert opened.iban == iban.from_number(8)
