"""Locking down a user or a client: sessions, tokens, orders and accounts end in one act; what can be undone is undone."""

from datetime import date

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission

from accounts import changes
from banking import orders
from banking.account_life import invitations
from banking.models import Account, AccountAccess, Role, ScheduledTransfer
from banking.oversight import Officer, lockdown
from banking.payments.refusals import NotTheirs
from oauth.models import AuditEvent, Client
from tests.lib.ledger import funded
from tests.lib.login import logged_in
from tests.lib.oauth_client import PASSWORD
from tests.lib.staff import browser_of, officer, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice):
    return funded(alice, "Everyday")


@pytest.fixture
def order(alice, account, bob):
    return ScheduledTransfer.objects.create(
        user=alice, source=account, destination=funded(bob, "Bob's"), payee_name="Bob", payee_iban="X", currency="GBP",
        amount_minor=100, reference="Rent", client_id="app", idempotency_key="k", first_on=date(2030, 1, 1),
        next_on=date(2030, 1, 1), frequency="monthly",
    )  # fmt: skip


LOCK, LIFT = "Lock down this user", "Lift the lockdown"


def lock_down(admin, user, act=LOCK, **given):
    filled_in = {"act": act, "reason": "Stolen phone", "typed": user.email, **given}
    return admin.post(f"/admin/lock-down/user/{user.pk}/", filled_in)


def test_one_act_ends_all_that_a_user_could_do(alice, browser, account, order, issued, mobile_app):
    grant = issued(mobile_app)
    admin = browser_of(staff("superuser"))
    page = admin.get(f"/admin/lock-down/user/{alice.pk}/").content.decode()
    assert "Accounts to freeze: 1." in page
    assert "Payment orders to put on hold: 1." in page
    assert lock_down(admin, alice).status_code == 302
    alice.refresh_from_db()
    assert not alice.is_active
    assert browser.get("/bank/").status_code == 302, "the browser is logged out"
    assert not alice.authorizations.live().exists(), grant
    order.refresh_from_db()
    assert (order.status, order.held_reason) == ("held", "inactive")
    assert Account.objects.get(pk=account.pk).status == "frozen"
    acts = AuditEvent.objects.filter(action="staff_acted", user=str(alice.pk)).values_list("endpoint", flat=True)
    assert {"bank.user_locked_down", "bank.account_frozen"} <= set(acts)


@pytest.mark.parametrize("end", ["lock down", "secure", "reset", "replace the email"])
def test_an_invitation_of_the_user_cannot_be_accepted_afterwards(alice, bob, account, end):
    """Whoever acted for the user may have invited themselves, and would wait until the account is open again."""
    sent = invitations.invite(account.pk, bob.email, "delegate", by=alice.pk, is_proven=True)
    match end:
        case "lock down":
            lock_down(browser_of(staff("superuser")), alice)
            lock_down(browser_of(staff("superuser")), alice, LIFT)
            alice.refresh_from_db()
            assert alice.is_active
        case "secure":
            logged_in(alice).post("/accounts/not-me/")
        case "reset":
            changes.set_password(alice, "another-password-of-alice")
        case _:
            changes.replace_address(alice, "alice@new.test")
    sent.refresh_from_db()
    assert sent.status == "withdrawn"
    with pytest.raises(NotTheirs):
        invitations.accept(sent.pk, by=bob.pk, is_proven=True)


def test_an_invitation_stays_open_when_its_sender_changes_their_password(alice, bob, account):
    sent = invitations.invite(account.pk, bob.email, "delegate", by=alice.pk, is_proven=True)
    fields = {
        "oldpassword": PASSWORD,
        "password1": "another-password-of-alice",
        "password2": "another-password-of-alice",
    }
    assert logged_in(alice).post("/accounts/password/change/", fields).status_code == 302
    sent.refresh_from_db()
    assert sent.status == "open"


def test_another_officer_lifts_it_and_only_what_it_froze(alice, account, order):
    other = funded(alice, "Frozen before")
    first, second = browser_of(staff("superuser")), browser_of(staff("superuser"))
    first.post(f"/admin/banking/account/{other.pk}/freeze/", {"reason": "A court's order"})
    lock_down(first, alice)
    refused = lock_down(first, alice, LIFT)
    assert "You made the lockdown that froze these accounts. Somebody else must lift it." in refused.content.decode()
    alice.refresh_from_db()
    assert not alice.is_active, "nothing is undone by halves"
    assert lock_down(second, alice, LIFT).status_code == 302
    alice.refresh_from_db()
    assert alice.is_active
    assert Account.objects.get(pk=account.pk).status == "open"
    assert Account.objects.get(pk=other.pk).status == "frozen"
    order.refresh_from_db()
    assert order.status == "held", "its user resumes it"


@pytest.mark.parametrize(("who", "reason"), [("user", "inactive"), ("app", "app_disabled")])
def test_an_order_that_staff_held_before_is_resumed_by_its_user_too(alice, order, who, reason):
    """Staff release it once the lockdown is lifted; it then pays nothing until its user resumes it, as the others."""
    orders.hold(order.pk, "staff")
    if who == "user":
        lock_down(browser_of(staff("superuser")), alice)
        lock_down(browser_of(staff("superuser")), alice, LIFT)
    else:
        lockdown.stop_orders_of_app(order.client_id, by=Officer(staff("superuser")), reason="x")
    order.refresh_from_db()
    assert order.held_reason == "staff"
    orders.release(order.pk)
    order.refresh_from_db()
    assert (order.status, order.held_reason) == ("held", reason)


def test_a_joint_account_stays_frozen_until_both_lockdowns_are_lifted(alice, bob, account):
    AccountAccess.objects.create(account=account, user=bob, role=Role.HOLDER)
    first, second = browser_of(staff("superuser")), browser_of(staff("superuser"))
    for user in (alice, bob):
        lock_down(first, user)
    lock_down(second, bob, LIFT)
    bob.refresh_from_db()
    assert (bob.is_active, Account.objects.get(pk=account.pk).status) == (True, "frozen")
    lock_down(second, alice, LIFT)
    assert Account.objects.get(pk=account.pk).status == "open"


def test_two_officers_who_lock_down_at_the_same_time_lift_nothing(alice, account, web_app):
    """The second one has opened the page before the first one pressed the button."""
    first, second = browser_of(staff("superuser")), browser_of(staff("superuser"))
    for admin in (first, second):
        answer = lock_down(admin, alice)
    assert "Somebody else was faster" in answer.content.decode()
    shown = BeautifulSoup(answer.content, "html.parser").select_one("[name=act]")
    assert (shown["type"], shown["value"]) == ("hidden", LIFT)
    alice.refresh_from_db()
    assert (alice.is_active, Account.objects.get(pk=account.pk).status) == (False, "frozen")
    given = {"act": "Lock down this client", "reason": "x", "typed": web_app.client_id}
    for admin in (first, second):
        admin.post(f"/admin/lock-down/client/{web_app.pk}/", given)
    assert not Client.objects.get(pk=web_app.pk).is_active


def test_accounts_of_others_that_the_user_may_only_use_stay_open(alice, bob):
    of_bob = funded(bob, "Bob's")
    AccountAccess.objects.create(account=of_bob, user=alice, role=Role.DELEGATE)
    lock_down(browser_of(staff("superuser")), alice)
    assert Account.objects.get(pk=of_bob.pk).status == "open"


@pytest.mark.parametrize("given", [{"typed": "alice"}, {"typed": ""}, {"reason": ""}, {"reason": "x" * 121}])
def test_it_is_confirmed_by_typing_and_has_a_reason(alice, account, given):
    answer = lock_down(browser_of(staff("superuser")), alice, **given)
    assert answer.status_code == 200
    alice.refresh_from_db()
    assert alice.is_active
    assert Account.objects.get(pk=account.pk).status == "open"


def test_nobody_locks_down_themselves_or_somebody_with_more_rights(alice):
    boss, clerk = staff("superuser"), officer("clerk", "freeze_account")
    clerk.user_permissions.add(Permission.objects.get(codename="change_user"))
    assert lock_down(browser_of(boss), boss).status_code == 403
    assert lock_down(browser_of(clerk), boss).status_code == 403
    assert lock_down(browser_of(clerk), alice).status_code == 302
    boss.refresh_from_db()
    assert boss.is_active


@pytest.mark.parametrize("missing", ["change_user", "freeze_account"])
def test_both_rights_are_needed(alice, missing):
    clerk = officer("clerk", "freeze_account")
    clerk.user_permissions.add(Permission.objects.get(codename="change_user"))
    clerk.user_permissions.remove(Permission.objects.get(codename=missing))
    browser = browser_of(clerk)
    assert browser.get(f"/admin/lock-down/user/{alice.pk}/").status_code == 403
    assert lock_down(browser, alice).status_code == 403
    alice.refresh_from_db()
    assert alice.is_active


def test_customers_do_not_reach_it(browser, alice, bob, web_app):
    for url in (f"/admin/lock-down/user/{bob.pk}/", f"/admin/lock-down/client/{web_app.pk}/"):
        assert browser.post(url, {"reason": "x", "typed": bob.email, "password": PASSWORD}).status_code in (302, 403)
    bob.refresh_from_db()
    assert bob.is_active


def test_a_client_is_locked_down_and_lifted(web_app, order):
    ScheduledTransfer.objects.update(client_id=web_app.client_id)
    admin = browser_of(staff("superuser"))
    url = f"/admin/lock-down/client/{web_app.pk}/"
    assert url in admin.get(f"/admin/oauth/client/{web_app.pk}/change/").content.decode()
    given = {"act": "Lock down this client", "reason": "Its keys leaked", "typed": web_app.client_id}
    assert admin.post(url, {**given, "typed": web_app.name}).status_code == 200
    assert Client.objects.get(pk=web_app.pk).is_active
    assert admin.post(url, given).status_code == 302
    assert not Client.objects.get(pk=web_app.pk).is_active
    order.refresh_from_db()
    assert (order.status, order.held_reason) == ("held", "app_disabled")
    assert "keys leaked" in AuditEvent.objects.get(action="client_changed", client=web_app.client_id).reason
    assert admin.post(url, {**given, "act": LIFT}).status_code == 302
    assert Client.objects.get(pk=web_app.pk).is_active


def test_an_officer_of_the_bank_alone_does_not_lock_down_a_client(web_app):
    browser = browser_of(officer("clerk", "hold_scheduledtransfer"))
    given = {"reason": "x", "typed": web_app.client_id}
    assert browser.post(f"/admin/lock-down/client/{web_app.pk}/", given).status_code == 403
    assert Client.objects.get(pk=web_app.pk).is_active
