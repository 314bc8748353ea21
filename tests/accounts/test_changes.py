"""The consequences of a new email, a new password, a deactivation and a reactivation: what ends, and who is
notified.
"""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client as Browser

from accounts import changes
from accounts.models import NewEmail, User
from accounts.passwords.argon2 import Argon2PasswordHasher
from oauth.models import AuditEvent, Authorization, Session
from tests.lib.login import NEW_PASSWORD, ask_for_code, code_in, enter, is_logged_in, log_in, path_in, submit
from tests.lib.notices import told
from tests.lib.oauth_client import PASSWORD
from tests.lib.staff import browser_of, staff
from tests.lib.totp import SECRET, code

pytestmark = pytest.mark.django_db
NEW_ADDRESS = "alice@new.example.test"


def save_in_admin(admin_browser, user, **values):
    """Saves the page of the user as an admin does, with only `values` changed."""
    form = {"email": user.email, "name": user.name, "is_active": "on" if user.is_active else ""}
    form.update(values)
    answer = admin_browser.post(
        f"/admin/accounts/user/{user.pk}/change/", {name: value for name, value in form.items() if value}
    )
    assert answer.status_code == 302, answer.content.decode()


def set_password_in_admin(admin_browser, user):
    """Staff remove the password and send a link, because staff must not know the password of a user (ASVS 5.0
    6.4.6).
    """
    form = {"ends_password": "on"}
    assert admin_browser.post(f"/admin/accounts/user/{user.pk}/password/", form).status_code == 302


def set_password_in_shell(_, user):
    user.set_password(NEW_PASSWORD)
    user.save()


def set_password_by_command(_, user):
    class Command(changepassword.Command):
        def _get_pass(self, prompt="Password: "):
            return NEW_PASSWORD

    call_command(Command(), user.email, stdout=StringIO())


@pytest.fixture
def offline(issued, mobile_app, token_endpoint):
    """A refresh token that outlives the browser's session; a function that reveals whether it still works."""
    tokens = issued(mobile_app, scope="accounts:read offline_access")

    def works():
        return token_endpoint.refresh(mobile_app, tokens["refresh_token"]).status_code == 200

    assert Authorization.objects.get().is_live
    return works


@pytest.mark.parametrize("act", [set_password_in_admin, set_password_in_shell, set_password_by_command])
def test_a_password_that_staff_set_ends_browsers_and_all_apps(act, admin_browser, browser, alice, offline):
    """ASVS 5.0 7.4.3."""
    told()
    act(admin_browser, alice)
    assert not is_logged_in(browser)
    assert not offline()
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.PASSWORD
    assert Session.objects.get().end_reason == Session.EndReason.PASSWORD
    assert "Your account: Our staff changed the password of your account. All browsers and apps were logged out." in (
        told(alice.email)
    )


def test_who_set_the_password_is_in_the_audit_log(admin_browser, alice):
    set_password_in_admin(admin_browser, alice)
    event = AuditEvent.objects.get(user=str(alice.pk), reason="password_replaced")
    assert event.actor == str(User.objects.get(email="admin@example.test").pk)


def test_an_upgraded_password_hash_is_no_new_password(browser, alice, offline):
    """Django hashes again at login when the hasher's cost has changed."""
    told()
    cheap = Argon2PasswordHasher()
    cheap.memory_cost = 512
    alice.password = cheap.encode(PASSWORD, "a-salt-of-sixteen")
    alice.save_base(raw=True)
    assert User.objects.get().check_password(PASSWORD)
    assert f"m={Argon2PasswordHasher.memory_cost}," in User.objects.get().password
    assert offline()
    assert told() == []


def test_ones_own_new_password_ends_all_apps_unless_one_keeps_them(browser, alice, offline):
    """The default is to end all apps."""
    page = browser.get("/accounts/password/change/").content.decode()
    assert 'name="end_apps"' in page
    submit_new_password(browser, end_apps="on")
    assert is_logged_in(browser)
    assert not offline()


def test_ones_own_new_password_may_leave_the_apps_in(browser, alice, offline):
    submit_new_password(browser)
    assert offline()
    assert Session.objects.get().end_reason == Session.EndReason.PASSWORD


def submit_new_password(browser, **values):
    form = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, **values}
    assert browser.post("/accounts/password/change/", form).status_code == 302


def test_a_password_replaced_by_mail_ends_all_apps(client, browser, alice, offline, mailoutbox):
    submit(client, "/accounts/password/reset/", email=alice.email)
    to_form = client.get(path_in(mailoutbox[0]))
    submit(client, to_form["Location"], password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    assert not is_logged_in(browser)
    assert not offline()


# --- an address that staff replace


def decide(user, how="approve", *, by):
    asked = NewEmail.objects.get(user=user, decided_at=None)
    form = {"action": how, "_selected_action": asked.pk}
    return browser_of(by).post("/admin/accounts/newemail/", form, follow=True).content.decode()


def replace_in_admin(admin_browser, user):
    save_in_admin(admin_browser, user, email=NEW_ADDRESS)
    told()  # the email about the request
    assert "Approved" in decide(user, by=staff("superuser"))


def replace_in_shell(_, user):
    user.email = NEW_ADDRESS
    user.save(update_fields=["email"])


def replace_by_query(_, user):
    User.objects.filter(pk=user.pk).update(email=NEW_ADDRESS)


REPLACE = [replace_in_admin, replace_in_shell, replace_by_query]


@pytest.mark.parametrize("act", REPLACE)
def test_an_address_that_staff_replace_is_of_no_use_any_more(act, admin_browser, browser, alice, offline, mailoutbox):
    """The old address cannot log in, get a code or reset the password, and everything begun with it ends."""
    alice.emailaddress_set.create(email="second@example.test", verified=True)
    act(admin_browser, alice)
    assert not is_logged_in(browser)
    assert not offline()
    assert [one.email for one in EmailAddress.objects.filter(user=alice)] == [NEW_ADDRESS]
    for old in ("alice@example.test", "second@example.test"):
        mailoutbox.clear()
        guest = Browser()
        log_in(guest, old)
        assert not is_logged_in(guest)
        ask_for_code(Browser(), old)
        submit(Browser(), "/accounts/password/reset/", email=old)
        assert not [mail for mail in mailoutbox if "/reset/key/" in mail.body or "code" in mail.subject.lower()]


@pytest.mark.parametrize("act", REPLACE)
def test_both_mailboxes_are_told_of_a_replaced_address(act, admin_browser, alice):
    told()
    act(admin_browser, alice)
    subjects = told()
    assert len(subjects) == 2
    assert {one.to[0] for one in mail.outbox[-2:]} == {"alice@example.test", NEW_ADDRESS}
    assert NEW_ADDRESS not in next(one for one in mail.outbox[-2:] if one.to == ["alice@example.test"]).body


@pytest.mark.parametrize("act", REPLACE)
def test_codes_and_links_on_their_way_to_the_old_address_die(act, admin_browser, alice, mailoutbox):
    thief = Browser()
    ask_for_code(thief, alice.email)
    submit(Browser(), "/accounts/password/reset/", email=alice.email)
    sent, link = code_in(mailoutbox[0]), path_in(mailoutbox[1])
    act(admin_browser, alice)
    enter(thief, sent)
    assert not is_logged_in(thief)
    assert thief.get(link).status_code == 200  # the page that reports the invalid link, not a redirect to the form


def test_a_log_in_that_waits_for_its_second_step_dies_with_the_password(alice, mailoutbox):
    """The old password was correct, and so is the code, but the password has changed meanwhile."""
    TOTP.activate(alice, SECRET)
    thief = Browser()
    assert log_in(thief, alice.email)["Location"].startswith("/accounts/2fa/authenticate/")
    set_password_in_shell(None, User.objects.get(pk=alice.pk))
    thief.post("/accounts/2fa/authenticate/", {"code": code(SECRET)})
    thief.post("/accounts/2fa/trust/", {"action": "skip"})  # the last page of a login with a second step
    assert not is_logged_in(thief)


def test_making_another_verified_address_the_main_one_ends_nothing(browser, alice, offline):
    alice.emailaddress_set.create(email="new@example.test", verified=True)
    browser.post("/accounts/email/", {"email": "new@example.test", "action_primary": ""})
    assert User.objects.get(pk=alice.pk).email == "new@example.test"
    assert is_logged_in(browser)
    assert offline()


def test_both_mailboxes_are_told_when_another_address_becomes_the_main_one(browser, alice):
    alice.emailaddress_set.create(email="new@example.test", verified=True)
    told()
    browser.post("/accounts/email/", {"email": "new@example.test", "action_primary": ""})
    assert told() == ["Your account: The main email of your account was changed."] * 2
    assert {one.to[0] for one in mail.outbox[-2:]} == {"alice@example.test", "new@example.test"}


def test_no_admin_alone_can_change_the_email_of_a_user(admin_browser, alice, mailoutbox):
    """NIST SP 800-53 AC-5: whoever controls the mailbox controls the user account. A superuser is no exception."""
    first = User.objects.get(email="admin@example.test")
    save_in_admin(admin_browser, alice, email=NEW_ADDRESS)
    for door in ("/accounts/password/reset/", "/accounts/login/code/"):
        mailoutbox.clear()
        submit(Browser(), door, email=NEW_ADDRESS)
        assert not [one for one in mailoutbox if "/reset/key/" in one.body or "code" in one.subject.lower()]
    mailoutbox.clear()
    set_password_in_admin(admin_browser, alice)
    assert [one.to for one in mailoutbox if "/reset/key/" in one.body] == [[alice.email]]
    assert "Another member of staff must approve" in decide(alice, by=first)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    assert "Another member of staff must approve" in decide(alice, by=User.objects.get(pk=alice.pk))
    with pytest.raises(IntegrityError), transaction.atomic():
        NewEmail.objects.update(decided_by=first, is_approved=True)
    assert User.objects.get(pk=alice.pk).email == alice.email


@pytest.mark.parametrize("left", [{"is_active": False}, {"is_superuser": False}])
def test_a_new_email_that_former_staff_asked_for_can_only_be_rejected(admin_browser, alice, left):
    """ASVS 5.0 8.3.2."""
    save_in_admin(admin_browser, alice, email=NEW_ADDRESS)
    User.objects.filter(email="admin@example.test").update(**left)
    second = staff("superuser")
    assert "may no longer change users" in decide(alice, by=second)
    assert User.objects.get(pk=alice.pk).email == alice.email
    assert "Rejected" in decide(alice, "reject", by=second)


def test_the_user_is_told_when_staff_ask_for_a_new_email(admin_browser, alice):
    alice.emailaddress_set.create(email="second@example.test", verified=True)
    told()
    save_in_admin(admin_browser, alice, email=NEW_ADDRESS)
    told()
    asked = [one for one in mail.outbox if "asked to change" in one.subject]
    assert {one.to[0] for one in asked} == {alice.email, "second@example.test"}
    assert not [one for one in asked if NEW_ADDRESS in one.body]


def test_staff_see_one_open_email_of_a_user_and_may_reject_it(admin_browser, alice):
    save_in_admin(admin_browser, alice, email="one@example.test")
    first = NewEmail.objects.get()
    for _twice in range(2):
        save_in_admin(admin_browser, alice, email=NEW_ADDRESS)
    assert [one.email for one in NewEmail.objects.filter(decided_at=None)] == [NEW_ADDRESS]
    form = {"action": "approve", "_selected_action": first.pk}
    second = staff("superuser")
    page = browser_of(second).post("/admin/accounts/newemail/", form, follow=True).content.decode()
    assert "already decided" in page
    assert "New emails of users to approve" in browser_of(second).get("/admin/").content.decode()
    assert "Rejected" in decide(alice, "reject", by=second)
    assert User.objects.get(pk=alice.pk).email == alice.email


@pytest.mark.parametrize("rights", [["view_user"], ["change_user", "view_user"]])
def test_whoever_approves_may_change_the_user(rights, admin_browser, alice):
    """The permission to view is not enough, and a user with more rights cannot be changed."""
    save_in_admin(admin_browser, alice, email=NEW_ADDRESS)
    alice.user_permissions.set(Permission.objects.filter(codename="delete_user"))
    second = staff()
    second.user_permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="accounts"))
    decide(alice, by=second)
    assert User.objects.get(pk=alice.pk).email == alice.email
    alice.user_permissions.clear()
    decide(alice, by=second)
    assert User.objects.get(pk=alice.pk).email == (NEW_ADDRESS if "change_user" in rights else alice.email)


def test_an_email_that_has_another_user_by_now_is_not_approved(admin_browser, alice, bob):
    save_in_admin(admin_browser, alice, email=NEW_ADDRESS)
    changes.replace_address(bob, NEW_ADDRESS)
    assert "belongs to another user" in decide(alice, by=staff("superuser"))
    assert User.objects.get(pk=alice.pk).email == alice.email


def test_staff_cannot_give_somebody_the_address_of_somebody_else(admin_browser, alice, bob):
    bob.emailaddress_set.create(email="bobs@example.test", verified=True)
    form = {"email": "bobs@example.test", "name": "", "is_active": "on"}
    answer = admin_browser.post(f"/admin/accounts/user/{alice.pk}/change/", form)
    assert answer.status_code == 200
    assert b"belongs to another user" in answer.content


def test_staff_add_no_address_beside_the_users_page(admin_browser, alice):
    """An email is changed by one function only, and never by editing its row."""
    assert admin_browser.get("/admin/account/emailaddress/").status_code == 404


# --- deactivated, reactivated


def deactivate_in_admin(admin_browser, user):
    save_in_admin(admin_browser, user, is_active="")
    user.refresh_from_db()


def reactivate_in_admin(admin_browser, user):
    save_in_admin(admin_browser, user, is_active="on")


def _save(user, is_active):
    user.is_active = is_active
    user.save(update_fields=["is_active"])


WAYS = {
    "admin": (deactivate_in_admin, reactivate_in_admin),
    "shell": (lambda _, user: _save(user, False), lambda _, user: _save(user, True)),
    "query": (
        lambda _, user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda _, user: User.objects.filter(pk=user.pk).update(is_active=True),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_deactivated_user_had_stays_ended_after_reactivation(way, admin_browser, browser, alice, offline):
    """Rows that are only filtered by `is_active` would become valid again."""
    deactivate, reactivate = WAYS[way]
    deactivate(admin_browser, alice)
    reactivate(admin_browser, alice)
    assert User.objects.get(pk=alice.pk).is_active
    assert not is_logged_in(browser)
    assert not offline()
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.DEACTIVATED
    fresh = Browser()
    log_in(fresh, alice.email)
    assert is_logged_in(fresh)


def test_deactivation_ends_offline_access_at_once(browser, alice, offline):
    _save(alice, False)
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.DEACTIVATED


@pytest.mark.parametrize("way", WAYS)
def test_the_user_gets_a_notice_of_both(way, admin_browser, browser, alice):
    told()
    deactivate, reactivate = WAYS[way]
    deactivate(admin_browser, alice)
    assert told(alice.email) == ["Your account: Your account was deactivated. All browsers and apps were logged out."]
    reactivate(admin_browser, alice)
    assert told(alice.email) == [
        "Your account: Your account was reactivated. You can log in again, but apps must ask you again."
    ]


def test_a_reset_link_from_before_a_deactivation_is_dead_after_it(alice, mailoutbox):
    submit(Browser(), "/accounts/password/reset/", email=alice.email)
    link = path_in(mailoutbox[0])
    alice.refresh_from_db()
    _save(alice, False)
    _save(alice, True)
    assert Browser().get(link).status_code == 200


def test_what_began_while_a_user_was_inactive_does_not_live_on(browser, alice, mobile_app, issued):
    """This covers an authorization whose transaction was open when the user was deactivated."""
    issued(mobile_app, scope="accounts:read offline_access")
    [authorization] = Authorization.objects.all()
    _save(alice, False)
    Authorization.objects.filter(pk=authorization.pk).update(revoked_at=None, revocation_reason="")
    _save(alice, True)
    assert not Authorization.objects.get(pk=authorization.pk).is_live


def test_a_query_writes_no_address_password_or_state_by_an_expression(alice):
    """The functions that notify and end sessions need the new values, so an expression or bulk_update is refused."""
    alice.email = "x@example.test"
    with pytest.raises(TypeError, match="one by one"):
        User.objects.bulk_update([alice], ["email"])


def test_a_full_save_of_an_old_copy_revives_no_session(browser, alice):
    old_copy = User.objects.get(pk=alice.pk)
    _save(alice, False)
    _save(alice, True)
    old_copy.name = "Alice A."
    old_copy.save()
    assert not is_logged_in(browser)


def test_the_admin_says_what_each_change_does(admin_browser, alice):
    page = admin_browser.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    for words in ("replaces all emails of the user", "All browsers and apps are logged out", "allow each app again"):
        assert words in page, words


def test_the_acts_have_names_for_the_shell(alice):
    """docs/operating.md names these."""
    changes.set_password(alice, NEW_PASSWORD)
    changes.replace_address(alice, NEW_ADDRESS)
    changes.deactivate(alice)
    changes.reactivate(alice)
    assert list(AuditEvent.objects.filter(user=str(alice.pk), action="log_in_changed").order_by("id").values_list("reason", flat=True)) == [
        "password_replaced", "address_replaced", "address_replaced", "deactivated", "reactivated",
    ]  # fmt: skip
