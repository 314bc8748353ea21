"""Shared accounts: a holder invites, the invited user accepts, and either can end it. Also closed and dormant accounts."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.utils import timezone

from banking import ledger
from banking.account_life import dormancy, invitations
from banking.account_life.refusals import AlreadyInvited, InvitationOver, MayNotInvite, NotClosable, TooMany
from banking.ledger.audit import audit
from banking.models import Account, AccountAccess, AccountAct, AccountInvitation
from banking.payments.refusals import NotTheirs, StrongProofNeeded
from oauth.infrastructure import rate_limits
from tests.lib.bank_notices import sent_notices
from tests.lib.ledger import FUNDS_MINOR
from tests.lib.login import logged_in
from tests.lib.staff import browser_of
from tests.lib.transfers import body_of, send
from tests.lib.web_bank import text

pytestmark = pytest.mark.django_db
ROLES = ["holder", "delegate", "reader"]


@pytest.fixture
def web(alice):
    return logged_in(alice)


def invite(account, email, role="delegate", *, by):
    return invitations.invite(account.pk, email, role, by=by.pk, is_proven=True)


def roles_of(account):
    return dict(AccountAccess.objects.filter(account=account).values_list("user__email", "role"))


def is_clean():
    return [one.question for one in audit() if not one.is_clean] == []


# --- inviting


def test_from_the_invitation_to_the_payment_and_the_end(web, alice, bob, current, savings, access_token, api):
    url = f"/bank/accounts/{current.pk}/sharing"
    assert "Share it with somebody" in text(web.get(url))
    assert web.post(url, {"email": bob.email.upper(), "role": "delegate"}).status_code == 303
    assert bob.email in text(web.get(url))
    assert sent_notices("invited") == {bob.email}
    bobs = browser_of(bob)
    assert bobs.get(f"/bank/accounts/{current.pk}").status_code == 404
    assert "Sees the account and pays from it" in text(bobs.get("/bank/"))
    accept = f"/bank/invitations/{AccountInvitation.objects.get().pk}/accept"
    assert bobs.post(accept).status_code == 303
    assert sent_notices("access_given") == {alice.email, bob.email}
    assert roles_of(current) == {alice.email: "owner", bob.email: "delegate"}
    assert AccountAct.objects.get(user_id=bob.pk).by_user_id == bob.pk

    app = api(access_token(bob, "accounts:read transfers:write"))
    paid = body_of(current, {"scheme": "iban", "identifier": savings.iban, "name": "Alice"}, 100)
    assert send(app, paid).status_code == 201
    page = text(bobs.get(f"/bank/accounts/{current.pk}/sharing"))
    assert "Give up access" in page
    assert alice.email not in page
    assert "Share it with somebody" not in page

    assert web.post(f"/bank/accounts/{current.pk}/access/{bob.pk}/end").status_code == 303
    assert bobs.get(f"/bank/accounts/{current.pk}").status_code == 404
    assert roles_of(current) == {alice.email: "owner"}
    assert bobs.post(accept).status_code == 404
    assert is_clean()


@pytest.mark.parametrize(("role", "gives"), [("holder", ["delegate", "reader"]), ("delegate", []), ("reader", [])])
def test_who_may_invite_whom(role, gives, bob, current):
    AccountAccess.objects.create(account=current, user=bob, role=role)
    for wanted in ROLES:
        if wanted in gives:
            assert invite(current, f"{wanted}@bank.test", wanted, by=bob).status == "open"
        else:
            with pytest.raises(MayNotInvite):
                invite(current, f"{wanted}@bank.test", wanted, by=bob)


def test_an_invitation_needs_a_fresh_login(alice, bob, current, settings):
    with pytest.raises(StrongProofNeeded):
        invitations.invite(current.pk, bob.email, "reader", by=alice.pk, is_proven=False)
    settings.STEP_UP_MAX_AGE = timedelta(0)
    answer = browser_of(alice).post(f"/bank/accounts/{current.pk}/sharing", {"email": bob.email, "role": "reader"})
    assert (answer.status_code, "reauthenticate" in answer["Location"]) == (303, True)
    assert not AccountInvitation.objects.exists()


def test_nobody_else_answers_and_it_says_nothing_about_who_banks_here(alice, bob, current, django_user_model):
    carol = django_user_model.objects.create_user("carol@bank.test", "correct-horse-battery")
    to_nobody = invite(current, "nobody@bank.test", by=alice)
    to_bob = invite(current, bob.email, by=alice)
    assert sent_notices("invited") == {bob.email}
    for one in (to_nobody, to_bob):
        for answer in (partial(invitations.accept, is_proven=True), invitations.decline, invitations.withdraw):
            with pytest.raises(NotTheirs):
                answer(one.pk, by=carol.pk)
    with pytest.raises(AlreadyInvited):
        invite(current, bob.email.upper(), by=alice)
    with pytest.raises(AlreadyInvited):
        invite(current, alice.email, by=alice)


@pytest.mark.parametrize("role", ROLES)
def test_a_joint_account_is_accepted_with_a_fresh_login(alice, bob, current, role):
    """Payments to it are payments to an account of one's own. Whoever takes over a session could otherwise accept their
    own invitation, and pay themselves without the limits of a new payee and the user's own limit.
    """
    sent = invite(current, bob.email, role, by=alice)
    bobs = browser_of(bob)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        answer = bobs.post(f"/bank/invitations/{sent.pk}/accept")
    assert answer.status_code == 303
    if role == "holder":
        assert answer["Location"].startswith("/accounts/reauthenticate/?next=%2Fbank%2F")
        assert bob.email not in roles_of(current)
        bobs.post(f"/bank/invitations/{sent.pk}/accept")
    assert roles_of(current)[bob.email] == role


def test_an_invitation_that_has_ended_gives_no_access(alice, bob, current):
    first = invite(current, bob.email, by=alice)
    invitations.withdraw(first.pk, by=alice.pk)
    second = invite(current, bob.email, by=alice)
    invitations.decline(second.pk, by=bob.pk)
    third = invite(current, bob.email, by=alice)
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        for one in (first, second, third):
            with pytest.raises(NotTheirs):
                invitations.accept(one.pk, by=bob.pk, is_proven=True)
        invite(current, bob.email, by=alice)
    assert roles_of(current) == {alice.email: "owner"}


def test_an_invitation_ends_with_the_access_of_its_sender(alice, bob, current, django_user_model):
    carol = django_user_model.objects.create_user("carol@bank.test", "correct-horse-battery")
    holder = AccountAccess.objects.create(account=current, user=bob, role="holder")
    sent = invite(current, carol.email, by=bob)
    AccountAccess.objects.filter(pk=holder.pk).update(role="reader")
    with pytest.raises(InvitationOver):
        invitations.accept(sent.pk, by=carol.pk, is_proven=True)
    assert roles_of(current) == {alice.email: "owner", bob.email: "reader"}


def test_a_user_invites_ten_times_a_day(alice, current):
    rate_limits.counts.clear()
    for number in range(10):
        invite(current, f"{number}@bank.test", by=alice)
    with pytest.raises(TooMany):
        invite(current, "more@bank.test", by=alice)


def test_only_the_owner_names_the_account(web, alice, bob, current):
    AccountAccess.objects.create(account=current, user=bob, role="holder")
    url = f"/bank/accounts/{current.pk}/name"
    assert web.post(url, {"name": "Our house"}).status_code == 303
    assert browser_of(bob).post(url, {"name": "My house"}).status_code == 404
    assert "Our house" in text(browser_of(bob).get("/bank/"))


# --- closing


def test_the_owner_closes_an_account_without_money(web, alice, bob, current, savings, access_token, api):
    AccountAccess.objects.create(account=savings, user=bob, role="holder")
    url = f"/bank/accounts/{current.pk}/close"
    assert "when its balance is zero" in text(web.get(url))
    assert web.post(url).status_code == 409
    ledger.post([(current, -FUNDS_MINOR), (savings, FUNDS_MINOR)], description="x", kind="transfer")
    assert web.post(url).status_code == 303
    assert web.get(url).status_code == 404
    assert sent_notices("account_closed") == {alice.email}
    app = api(access_token(alice, "accounts:read transfers:write"))
    assert app.get(f"/api/v1/accounts/{current.pk}").json()["status"] == "closed"
    assert send(app, body_of(savings, current, 1)).json()["code"] in ("account_not_open", "payee_unreachable")
    assert browser_of(bob).get(f"/bank/accounts/{savings.pk}/close").status_code == 404
    assert is_clean()


def test_closing_needs_a_fresh_login(alice, savings, settings):
    settings.STEP_UP_MAX_AGE = timedelta(0)
    answer = browser_of(alice).post(f"/bank/accounts/{savings.pk}/close")
    assert (answer.status_code, "reauthenticate" in answer["Location"]) == (303, True)
    assert Account.objects.get(pk=savings.pk).status == "open"


def test_an_account_with_an_overdraft_in_use_or_a_freeze_stays_open(alice, current, savings):
    from banking.account_life.closing import close

    Account.objects.filter(pk=savings.pk).update(status="frozen")
    with pytest.raises(NotClosable):
        close(savings.pk, by=alice.pk, is_proven=True)
    with pytest.raises(NotClosable):
        close(current.pk, by=alice.pk, is_proven=True)


# --- not used for a long time


@pytest.fixture
def unused(alice, current, settings):
    settings.BANK_DORMANT_DAYS = 365
    with time_machine.travel(timezone.now() + timedelta(days=400), tick=False):
        yield Account.objects.get(pk=current.pk)


def test_an_account_that_nobody_used_pays_nothing_until_a_holder_uses_it(unused, alice, savings, access_token, api):
    Account.objects.filter(pk=unused.pk).update(opened_at=timezone.now() - timedelta(days=400))
    assert dormancy.mark_unused() == 1
    assert dormancy.mark_unused() == 0
    assert sent_notices("account_dormant") == {alice.email}
    app = api(access_token(alice, "accounts:read transfers:write"))
    assert app.get(f"/api/v1/accounts/{unused.pk}").json()["dormant_since"] is not None
    refused = send(app, body_of(unused, savings, 100))
    assert (refused.status_code, refused.json()["code"]) == (409, "account_dormant")
    ledger.post([(savings, 0 + 5), (unused, -5)], description="Fee", kind="fee")  # the bank's own entries are made
    web = logged_in(alice)
    assert "Use it again" in text(web.get(f"/bank/accounts/{unused.pk}"))
    assert web.post(f"/bank/accounts/{unused.pk}/reactivate").status_code == 303
    assert sent_notices("account_used_again") == {alice.email}
    assert send(app, body_of(unused, savings, 100)).status_code == 201
    assert app.get(f"/api/v1/accounts/{unused.pk}").json()["dormant_since"] is None
    assert dormancy.mark_unused() == 0
    assert is_clean()


@pytest.mark.parametrize("role", ["delegate", "reader"])
def test_only_a_holder_with_a_fresh_login_uses_it_again(role, alice, bob, current):
    Account.objects.filter(pk=current.pk).update(dormant_since=timezone.now())
    AccountAccess.objects.create(account=current, user=bob, role=role)
    with pytest.raises(StrongProofNeeded):
        dormancy.reactivate(current.pk, by=alice.pk, is_proven=False)
    assert logged_in(bob).post(f"/bank/accounts/{current.pk}/reactivate").status_code == 303
    assert Account.objects.get(pk=current.pk).dormant_since is not None


def test_without_the_setting_or_with_a_payment_no_account_becomes_dormant(current, savings, alice_api, settings):
    Account.objects.update(opened_at=timezone.now() - timedelta(days=900))
    settings.BANK_DORMANT_DAYS = 0
    assert dormancy.mark_unused() == 0
    settings.BANK_DORMANT_DAYS = 730
    assert send(alice_api, body_of(current, savings, 1)).status_code == 201
    assert dormancy.mark_unused() == 1
    assert Account.objects.get(dormant_since__isnull=False) == savings
