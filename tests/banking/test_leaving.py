"""A user closes their user account: this is refused while money is left. Then everything ends except the books."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django.urls import reverse

from accounts import changes, closing
from accounts.closing import NotYet
from accounts.models import FormerUser, User
from banking import direct_debits, ledger, oversight
from banking.account_life import invitations
from banking.ledger.audit import audit
from banking.models import (
    Account,
    AccountAccess,
    AccountApplication,
    AccountInvitation,
    DirectDebitRefund,
    LedgerEntry,
    Mandate,
    Payee,
    Product,
    ScheduledTransfer,
    SchemeMessage,
    TransactionNote,
)
from banking.payments.scheme import IncomingCollection, NewMandate
from oauth.models import AuditEvent, Authorization, Client, Session
from tests.banking.test_direct_debits import lodged
from tests.banking.test_refunds import age
from tests.lib.bank_notices import sent_notices
from tests.lib.ledger import funded
from tests.lib.login import NEW_PASSWORD, is_logged_in, log_in, logged_in, path_in, sign_up
from tests.lib.notices import told
from tests.lib.other_banks import OtherBanks
from tests.lib.pages import check
from tests.lib.registered import make_user
from tests.lib.staff import officer
from tests.lib.transfers import ELSEWHERE, body_of, order, send
from tests.lib.web_bank import text

pytestmark = pytest.mark.django_db
CLOSE = "/accounts/close/"


@pytest.fixture(autouse=True)
def _audited():
    yield
    assert [one.question for one in audit() if not one.is_clean] == []


def empty(account, into):
    account.refresh_from_db()
    ledger.post([(account, -account.posted_minor), (into, account.posted_minor)], description="Out", kind="transfer")


def leave(browser):
    return browser.post(CLOSE, {"confirm": "on"})


def test_money_that_is_left_is_named_and_nothing_ends(browser, alice, current, issued, mobile_app):
    issued(mobile_app)
    page = browser.get(CLOSE)
    check(page)
    assert "Current account has £" in text(page)
    assert "Close my user account" not in text(page)
    answer = leave(browser)
    assert answer.status_code == 409
    check(answer)
    alice.refresh_from_db()
    assert (alice.is_active, alice.closed_at) == (True, None)
    assert Account.objects.get(pk=current.pk).status == "open"
    assert Authorization.objects.get(user=alice).revoked_at is None
    assert told() == ["Your account: You allowed an app that had no access before: Example mobile."]


def test_orders_and_payments_on_their_way_are_named(browser, alice, current, of_bob, access_token, api):
    app = api(access_token(alice, "transfers:write"))
    assert order(app, current, ELSEWHERE).status_code == 201
    assert send(app, body_of(current, ELSEWHERE, 700), key="another-key-of-16").json()["status"] == "pending"
    page = text(browser.get(CLOSE))
    assert "A payment order is set up: £10.00 to Dora Demir. Cancel it." in page
    assert "A payment is on its way: £7.00 to Dora Demir." in page


def test_an_order_without_money_is_in_the_way_as_well(browser, alice, current, of_bob, access_token, api):
    order(api(access_token(alice, "transfers:write")), current, ELSEWHERE)
    empty(current, of_bob)
    assert leave(browser).status_code == 409
    assert ScheduledTransfer.objects.get().status == "active"


def test_a_frozen_account_and_an_account_of_several_are_named(browser, alice, bob, current, savings):
    oversight.freeze(savings.pk, by=oversight.Officer(officer("frank", "freeze_account")), reason="to look at it")
    invitation = invitations.invite(current.pk, bob.email, "holder", by=alice.pk, is_proven=True)
    invitations.accept(invitation.pk, by=bob.pk, is_proven=True)
    page = text(browser.get(CLOSE))
    assert "Savings is frozen. Please contact us." in page
    assert "Others use Current account as well." in page


def test_what_a_user_has_ends_with_their_account(browser, alice, bob, current, savings, of_bob, issued, mobile_app):
    tokens = issued(mobile_app, scope="openid accounts:read offline_access")
    mandate = lodged(current)
    empty(current, of_bob)
    shared = funded(bob, "Household")
    invitations.accept(
        invitations.invite(shared.pk, alice.email, "delegate", by=bob.pk, is_proven=True).pk,
        by=alice.pk,
        is_proven=True,
    )
    invitations.invite(of_bob.pk, alice.email, "reader", by=bob.pk, is_proven=True)
    product = Product.objects.create(name="Another", kind="current", currency="GBP", is_on_offer=True)
    AccountApplication.objects.create(user=alice, product=product, name="Another")
    Payee.objects.create(user=alice, name="Bob", iban=of_bob.iban)
    TransactionNote.objects.create(user=alice, transaction_id=LedgerEntry.objects.first().transaction_id, text="mine")
    Authenticator.objects.create(user=alice, type="recovery_codes", data={})
    elsewhere = Browser()
    log_in(elsewhere, alice.email)
    told()
    email = alice.email

    answer = leave(browser)
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/closed/")
    check(browser.get("/accounts/closed/"))
    assert told(email) == [
        "Your account: Your user account was closed. Nobody can log in to it any more, and apps have lost their access."
    ]
    assert mail.outbox[-1].body.startswith("Hello Alice,")

    assert not is_logged_in(browser)
    assert not is_logged_in(elsewhere)
    assert not Authorization.objects.filter(user=alice, revoked_at=None).exists()
    assert not Session.objects.filter(user=alice, ended_at=None).exists()
    assert tokens["refresh_token"]
    assert {one.status for one in Account.objects.filter(holder=alice)} == {"closed"}
    assert Mandate.objects.get(pk=mandate.pk).status == "cancelled"
    assert not AccountAccess.objects.filter(user=alice, account=shared).exists()
    assert AccountApplication.objects.get().status == "withdrawn"
    assert not AccountInvitation.objects.filter(status="open").exists()
    assert not Payee.objects.filter(user=alice).exists()
    assert not TransactionNote.objects.filter(user=alice).exists()
    assert not Authenticator.objects.filter(user=alice).exists()
    assert not EmailAddress.objects.filter(user=alice).exists()
    assert LedgerEntry.objects.filter(account=current).exists()

    row = User.objects.get(pk=alice.pk)
    assert (row.email, row.name, row.language, row.is_active) == (f"{alice.pk}@closed.invalid", "", "", False)
    assert not row.has_usable_password()
    kept = FormerUser.objects.get()
    assert (kept.user_id, kept.email, kept.name) == (alice.pk, email, "Alice Archer")
    assert AuditEvent.objects.filter(user=str(alice.pk), reason="closed").count() == 1
    assert log_in(Browser(), email).status_code == 200  # the same as for an unknown email


def test_a_token_of_a_former_user_is_worth_nothing(browser, alice, savings, issued, mobile_app, token_endpoint):
    tokens = issued(mobile_app, scope="openid accounts:read offline_access")
    leave(browser)
    assert token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_who_signs_up_with_the_same_email_is_somebody_else(browser, client, alice, bob, savings, of_bob, mobile_app):
    """ASVS 5.0 10.3.3: no later user gets the `sub` of an earlier one, nor anything of theirs."""
    invitations.invite(of_bob.pk, alice.email, "reader", by=bob.pk, is_proven=True)
    leave(browser)
    sign_up(client, alice.email)
    client.post(path_in(mail.outbox[-1]))
    log_in(client, alice.email, NEW_PASSWORD)
    again = User.objects.get(email=alice.email)
    assert again.pk != alice.pk
    page = text(client.get("/bank/"))
    assert "Savings" not in page
    assert "Bob's account" not in page
    assert client.get(f"/bank/accounts/{savings.pk}").status_code == 404


def test_a_user_who_never_had_an_account_leaves_no_name(client, db, signing_keys):
    user = make_user("visitor@example.test", "Vera Visitor")
    web = logged_in(user)
    assert "keep neither your name nor your email" in text(web.get(CLOSE))
    assert leave(web).status_code == 303
    assert not FormerUser.objects.exists()


def test_an_account_is_closed_after_a_fresh_login_only(browser, alice, savings):
    session = browser.session
    for record in session["account_authentication_methods"]:
        record["at_by_database"] -= 3600
    session.save()
    for answer in (browser.get(CLOSE), leave(browser)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    assert User.objects.get(pk=alice.pk).is_active


def test_the_box_must_be_ticked(browser, alice, savings):
    answer = browser.post(CLOSE)
    assert answer.status_code == 400
    assert "Tick the box" in text(answer)
    assert User.objects.get(pk=alice.pk).is_active


def test_staff_and_owners_of_apps_do_not_leave_by_themselves(alice, mobile_app):
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    Client.objects.filter(pk=mobile_app.pk).update(user=alice)
    with pytest.raises(NotYet) as refusal:
        closing.close(alice)
    assert [words for words, _url in refusal.value.obstacles] == [
        "You are a member of staff. Ask another admin to remove your staff status first.",
        "The app Example mobile is registered in your name. Contact us to hand it over or to end it.",
    ]


def test_a_closed_account_stays_closed(browser, alice, savings, admin_browser):
    leave(browser)
    alice.refresh_from_db()
    with pytest.raises(ValueError, match="permanently"):
        changes.reactivate(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=alice.pk)._chain().update(is_active=True)
    assert admin_browser.get(f"/admin/lock-down/user/{alice.pk}/").status_code == 404
    url = reverse("admin:accounts_user_change", args=[alice.pk])
    page = admin_browser.post(url, {"email": alice.email, "name": "", "is_active": "on"})
    assert "permanently" in page.content.decode()
    alice.refresh_from_db()
    assert not alice.is_active


def test_staff_find_a_former_user_by_email_and_change_nothing(browser, alice, savings, admin_browser):
    email = alice.email
    leave(browser)
    listing = admin_browser.get(reverse("admin:accounts_formeruser_changelist"), {"q": email})
    assert "Alice Archer" in listing.content.decode()
    url = reverse("admin:accounts_formeruser_change", args=[alice.pk])
    assert admin_browser.get(url).status_code == 200
    assert admin_browser.post(url, {"email": "x@example.test"}).status_code == 403
    assert admin_browser.post(reverse("admin:accounts_formeruser_delete", args=[alice.pk])).status_code == 403


def test_a_former_user_is_forgotten_after_the_years_of_the_law(browser, alice, savings, settings):
    leave(browser)
    kept = FormerUser.objects.get()
    assert closing.erase_former_users() == 0
    kept.closed_at -= settings.FORMER_USERS_KEPT
    kept.save()
    assert closing.erase_former_users() == 1
    assert User.objects.filter(pk=alice.pk).exists()


# --- and direct debits


@pytest.fixture
def collected(current, monkeypatch):
    """A collection by direct debit, and then nothing else in the account."""
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", OtherBanks)
    direct_debits.receive_mandate(NewMandate("c", "CP-1", "City Power", "DE89370400440532013000", current.iban))
    return direct_debits.receive_collection(IncomingCollection("c-1", "c", "CP-1", 4500, "GBP", "November"))


def test_a_refund_that_may_still_come_is_named(browser, alice, current, of_bob, collected):
    """Its money would have no account to go to."""
    age(collected, 200)
    ledger.in_transaction(
        lambda: direct_debits.ask_for_refund(
            collected.pk, "unauthorized", among=SchemeMessage.objects.all(), user_id=alice.pk, client_id="x",
            is_proven=True,
        )
    )  # fmt: skip
    empty(current, of_bob)
    assert "Current account waits for the answer about the refund of a direct debit." in text(browser.get(CLOSE))
    assert leave(browser).status_code == 409
    direct_debits.claim_refund(DirectDebitRefund.objects.get().pk)
    empty(current, of_bob)
    assert leave(browser).status_code == 303


def test_a_collection_after_closing_is_refused_without_a_notice(browser, alice, current, of_bob, collected):
    """The creditor learns that the mandate has ended. The user's address is erased."""
    empty(current, of_bob)
    assert leave(browser).status_code == 303
    late = direct_debits.receive_collection(IncomingCollection("c-2", "c", "CP-1", 4500, "GBP", "December"))
    assert (late.status, late.reason_code, late.transaction) == ("refused", "MD01", None)
    assert sent_notices("direct_debit_refused") == set()
