"""Who may change an overdraft or give or end access to an account. Nothing else can change them."""

import re

import pytest
from django.core import mail
from django.db import IntegrityError, ProgrammingError, connection, transaction

from banking import ledger, oversight
from banking.account_life.refusals import NoSuchAccess, NotClosable
from banking.accounts.opening import internal_account, open_account
from banking.ledger.audit import audit
from banking.ledger.refusals import InsufficientFunds
from banking.models import Account, AccountAccess, AccountAct, AccountChange, Product
from banking.oversight import Officer, account_changes
from banking.oversight.own_money import OwnMoney
from oauth.models import AuditEvent
from tests.lib.bank_notices import sent_notices
from tests.lib.database import connected_as, site_role
from tests.lib.ledger import FUNDS_MINOR
from tests.lib.staff import browser_of, officer

pytestmark = pytest.mark.django_db
RIGHTS = ("request_accountchange", "approve_accountchange", "restrict_account", "close_account")


@pytest.fixture
def first(db):
    return officer("first", *RIGHTS)


@pytest.fixture
def second(db):
    return officer("second", *RIGHTS)


@pytest.fixture(params=["owner", "reader"])
def insider(request, alice, current):
    """An officer with access to the account."""
    user = officer("insider", *RIGHTS)
    if request.param == "owner":
        return type(user).objects.filter(pk=alice.pk).update(is_staff=True) and type(user).objects.get(pk=alice.pk)
    AccountAccess.objects.create(account=current, user=user, role=request.param)
    return user


def call(function, *values):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({', '.join(['%s'] * len(values))})", values)
        return cursor.fetchone()[0]


def roles_of(account):
    return dict(AccountAccess.objects.filter(account=account).values_list("user__email", "role"))


def is_clean():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return [one.question for one in audit() if not one.is_clean] == []


# --- overdraft


def test_two_officers_raise_an_overdraft_in_the_admin(first, second, alice, current):
    """One officer asks, those who may approve get an email, another approves, and the holder is notified."""
    url = f"/admin/banking/account/{current.pk}/request-overdraft/"
    assert browser_of(first).post(url, {"amount": "250.00", "reason": "Good customer"}).status_code == 302
    change = AccountChange.objects.get()
    assert (change.overdraft_minor, change.status, change.requested_by) == (25_000, "open", first)
    assert sent_notices("change_requested") == {second.email}
    assert "must approve" in mail.outbox[-1].body
    assert re.search("/admin/banking/accountchange/", mail.outbox[-1].body)
    approve = f"/admin/banking/accountchange/{change.pk}/approve/"
    assert "Somebody else must decide" in browser_of(first).post(approve, {}).content.decode()
    current.refresh_from_db()
    assert current.overdraft_minor == 0
    assert browser_of(second).post(approve, {}).status_code == 302
    current.refresh_from_db()
    assert current.overdraft_minor == 25_000
    act = AccountAct.objects.get(account_id=current.pk, user_id=None)
    assert (act.officer_id, act.change_id, act.reason) == (second.pk, change.pk, "Good customer")
    assert sent_notices("overdraft_changed") == {alice.email}
    events = AuditEvent.objects.filter(action="staff_acted").values_list("endpoint", "actor", "user")
    assert {(e, a) for e, a, u in events if u == str(alice.pk)} == {
        ("bank.account_change_requested", str(first.pk)), ("bank.account_change_approved", str(second.pk)),
    }  # fmt: skip
    assert is_clean()


def test_nobody_asks_or_decides_for_an_account_of_their_own(insider, first, current):
    with pytest.raises(OwnMoney):
        oversight.request_overdraft(current.pk, 100, by=Officer(insider), reason="x")
    asked = oversight.request_overdraft(current.pk, 100, by=Officer(first), reason="x")
    with pytest.raises(OwnMoney):
        oversight.approve_change(asked.pk, by=Officer(insider))
    with pytest.raises(OwnMoney):
        oversight.lower_overdraft(current.pk, 0, by=Officer(insider), reason="x")
    with pytest.raises(OwnMoney):
        oversight.close_account(current.pk, by=Officer(insider), reason="x")


def test_a_product_without_an_overdraft_gets_none(first, second, alice):
    saver = Product.objects.create(name="Saver", kind="savings", currency="GBP")
    account = open_account(alice, name="x", currency="GBP", type="savings", product=saver)
    with pytest.raises(account_changes.NotPossible):
        oversight.request_overdraft(account.pk, 100, by=Officer(first), reason="x")
    forged = AccountChange.objects.create(
        account=account, kind="overdraft", overdraft_minor=100, reason="x", requested_by=first
    )
    with pytest.raises(account_changes.NotPossible):
        oversight.approve_change(forged.pk, by=Officer(second))
    forged.refresh_from_db()
    assert forged.status == "open"


def test_what_is_asked_twice_or_decided_before_is_refused(first, second, current):
    asked = oversight.request_overdraft(current.pk, 100, by=Officer(first), reason="x")
    with pytest.raises(account_changes.ChangeRequested):
        oversight.request_overdraft(current.pk, 200, by=Officer(second), reason="x")
    with pytest.raises(account_changes.SameUser):
        oversight.decline_change(asked.pk, by=Officer(first), reason="x")
    oversight.decline_change(asked.pk, by=Officer(second), reason="No")
    for decide in (oversight.approve_change, oversight.decline_change):
        with pytest.raises(account_changes.AlreadyDecided):
            decide(asked.pk, by=Officer(second), reason="x")
    current.refresh_from_db()
    assert current.overdraft_minor == 0


def test_one_officer_lowers_an_overdraft_but_not_below_what_is_used(first, second, current, savings):
    oversight.approve_change(
        oversight.request_overdraft(current.pk, 5_000, by=Officer(first), reason="x").pk, by=Officer(second)
    )
    current.refresh_from_db()
    ledger.post([(current, -FUNDS_MINOR - 300), (savings, FUNDS_MINOR + 300)], description="x", kind="transfer")
    with pytest.raises(InsufficientFunds):
        oversight.lower_overdraft(current.pk, 299, by=Officer(first), reason="x")
    with pytest.raises(account_changes.NotPossible):
        oversight.lower_overdraft(current.pk, 6_000, by=Officer(first), reason="x")
    url = f"/admin/banking/account/{current.pk}/lower-overdraft/"
    assert browser_of(first).post(url, {"amount": "3.00", "reason": "x"}).status_code == 302
    assert Account.objects.get(pk=current.pk).overdraft_minor == 300
    assert is_clean()


# --- access


def test_two_officers_give_access_and_everybody_is_told(first, second, alice, bob, current):
    url = f"/admin/banking/account/{current.pk}/request-access/"
    asked = {"email": bob.email.upper(), "role": "holder", "reason": "Married"}
    assert browser_of(first).post(url, asked).status_code == 302
    oversight.approve_change(AccountChange.objects.get().pk, by=Officer(second))
    assert roles_of(current) == {alice.email: "owner", bob.email: "holder"}
    assert sent_notices("access_given") == {alice.email, bob.email}
    with pytest.raises(account_changes.NotPossible):
        oversight.request_access(current.pk, bob.email, "holder", by=Officer(first), reason="x")
    with pytest.raises(account_changes.NotPossible):
        oversight.request_access(current.pk, alice.email, "reader", by=Officer(first), reason="x")
    assert is_clean()


def test_no_officer_gives_access_to_themselves_or_to_nobody(first, second, current):
    with pytest.raises(account_changes.SameUser):
        oversight.request_access(current.pk, first.email, "reader", by=Officer(first), reason="x")
    asked = oversight.request_access(current.pk, second.email, "reader", by=Officer(first), reason="x")
    with pytest.raises(account_changes.SameUser):
        oversight.approve_change(asked.pk, by=Officer(second))
    with pytest.raises(account_changes.NoSuchUser):
        oversight.request_access(current.pk, "nobody@bank.test", "reader", by=Officer(first), reason="x")


def test_one_officer_ends_an_access_but_not_the_owners(first, alice, bob, current):
    AccountAccess.objects.create(account=current, user=bob, role="delegate")
    url = f"/admin/banking/account/{current.pk}/end-access/"
    assert browser_of(first).post(url, {"email": bob.email, "reason": "Stolen"}).status_code == 302
    assert roles_of(current) == {alice.email: "owner"}
    assert sent_notices("access_ended") == {alice.email, bob.email}
    for email in (alice.email, bob.email):
        with pytest.raises(NoSuchAccess):
            oversight.end_access(current.pk, email, by=Officer(first), reason="x")
    assert is_clean()


# --- closing


def test_an_account_is_closed_without_money_only(first, alice, current, savings):
    with pytest.raises(NotClosable):
        oversight.close_account(current.pk, by=Officer(first), reason="x")
    ledger.post([(current, -FUNDS_MINOR), (savings, FUNDS_MINOR)], description="x", kind="transfer")
    answer = browser_of(first).post(f"/admin/banking/account/{current.pk}/close/", {"reason": "Asked for"})
    assert answer.status_code == 302
    current.refresh_from_db()
    assert current.status == "closed"
    assert sent_notices("account_closed") == {alice.email}
    with pytest.raises(NotClosable):
        oversight.close_account(current.pk, by=Officer(first), reason="x")
    assert is_clean()


# --- the database itself


@pytest.mark.django_db(transaction=True)
def test_the_site_does_it_by_these_functions_and_in_no_other_way(first, second, alice, bob, current):
    with site_role() as role, connected_as(role):
        for statement in (
            "UPDATE bank_account SET overdraft_minor = 1", "UPDATE bank_account SET status = 'closed'",
            "UPDATE bank_account SET dormant_since = NULL", "UPDATE bank_account SET name = 'x'",
            "UPDATE account_access SET role = 'owner'", "DELETE FROM account_access",
            "UPDATE account_change SET status = 'approved'", "DELETE FROM account_change",
            "UPDATE account_invitation SET status = 'accepted'", "INSERT INTO account_act (account_id) VALUES (NULL)",
            f"SELECT act_as_user('{alice.pk}', 'x')",
        ):  # fmt: skip
            with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
                cursor.execute(statement)
        asked = oversight.request_overdraft(current.pk, 100, by=Officer(first), reason="x")
        for actor, reason in (
            (first.pk, "account_change_by_two"),
            (alice.pk, "is no officer"),
            (bob.pk, "is no officer"),
        ):
            with pytest.raises(IntegrityError, match=reason):
                call("approve_account_change", asked.pk, actor, "")
        oversight.approve_change(asked.pk, by=Officer(second))
        given = oversight.request_access(current.pk, bob.email, "delegate", by=Officer(first), reason="x")
        oversight.approve_change(given.pk, by=Officer(second))
        oversight.end_access(current.pk, bob.email, by=Officer(first), reason="x")
        oversight.lower_overdraft(current.pk, 0, by=Officer(first), reason="x")
        assert is_clean()
    assert {"asked": AccountAct.objects.filter(database_user=role, officer_id__isnull=False).count()} == {"asked": 4}


@pytest.mark.parametrize("forged", [{"status": "approved"}, {"requested_by": "alice"}, {"requested_by": "insider"}])
def test_a_request_starts_open_and_is_of_an_officer_without_access(forged, first, second, alice, bob, current):
    AccountAccess.objects.create(account=current, user=second, role="reader")
    people = {"alice": alice, "insider": second}
    row = {"requested_by": first, **{name: people.get(value, value) for name, value in forged.items()}}
    if forged.get("status"):
        row |= {"decided_by": bob, "decided_at": current.opened_at}
    with pytest.raises(IntegrityError, match="asks for a change first"), transaction.atomic():
        AccountChange.objects.create(account=current, kind="overdraft", overdraft_minor=5, reason="x", **row)


def test_only_the_owner_closes_and_names_and_only_holders_end_an_access(alice, bob, current, savings, first):
    ledger.post([(current, -FUNDS_MINOR), (savings, FUNDS_MINOR)], description="x", kind="transfer")
    AccountAccess.objects.create(account=current, user=bob, role="holder")
    assert not call("close_account", current.pk, bob.pk, False, "x")
    assert not call("rename_account", current.pk, bob.pk, "Mine")
    assert not call("rename_account", internal_account("GBP", "Suspense").pk, alice.pk, "Mine")
    assert not call("end_access", current.pk, alice.pk, bob.pk, False, "x")
    assert not call("end_access", current.pk, bob.pk, first.pk, False, "x")
    assert call("rename_account", current.pk, alice.pk, "Ours")
    assert call("end_access", current.pk, bob.pk, alice.pk, False, "x")
    assert call("close_account", current.pk, alice.pk, False, "x")


@pytest.mark.django_db(transaction=True)
def test_a_user_who_is_deleted_has_no_access_any_more(bob, current):
    AccountAccess.objects.create(account=current, user=bob, role="delegate")
    with site_role() as role, connected_as(role):
        bob.delete()
        assert AccountAccess.objects.filter(account=current).count() == 1
        assert is_clean()
