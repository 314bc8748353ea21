"""Staff in the admin need a second factor and a recent proof, and cannot act on users with more rights than they
have.
"""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from accounts.notices import notice
from oauth.models import AuditEvent, Scope
from tests.lib.oauth_client import PASSWORD
from tests.lib.staff import browser_of, staff

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"
USERS = "/admin/accounts/user/"


@pytest.fixture
def required(settings):
    settings.STAFF_SECOND_FACTOR = True


def with_rights(*codenames: str) -> User:
    person = staff()
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return person


def logged_in(person: User, *, code: bool = False) -> Browser:
    """Through the page, as people do."""
    person.set_password(PASSWORD)
    person.save()
    person.emailaddress_set.create(email=person.email, verified=True, primary=True)
    browser = Browser()
    browser.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    if code:
        counters = list(yield_hotp_counters_from_time())
        browser.post("/accounts/2fa/authenticate/", {"code": format_hotp_value(hotp_value(SECRET, counters[1]))})
        browser.post("/accounts/2fa/trust/", {"action": "skip"})
    return browser


def add_group(browser: Browser):
    return browser.post("/admin/auth/group/add/", {"name": "Tellers"})


# --- the second factor


def test_staff_without_a_second_factor_are_told_how_to_set_one_up(required):
    """ASVS 5.0 6.3.3, 8.2.4."""
    browser = logged_in(staff("superuser"))
    to_login = browser.get("/admin/")
    assert to_login.status_code == 302
    page = browser.get(to_login["Location"])
    assert page.status_code == 403
    assert "/accounts/2fa/" in page.content.decode()
    add_group(browser)
    assert not Group.objects.filter(name="Tellers").exists()


def test_staff_with_a_second_factor_use_the_admin(required):
    person = staff("superuser")
    TOTP.activate(person, SECRET)
    browser = logged_in(person, code=True)
    assert browser.get("/admin/").status_code == 200
    assert add_group(browser).status_code == 302
    assert Group.objects.filter(name="Tellers").exists()


@pytest.mark.parametrize("is_required", [True, False])
def test_who_has_a_second_factor_is_asked_for_it_whatever_the_setting(settings, is_required):
    """This is also true after a login from a trusted browser, which asks for no second factor."""
    settings.STAFF_SECOND_FACTOR = is_required
    person = staff("superuser")
    browser = logged_in(person)
    TOTP.activate(person, SECRET)
    answer = browser.get(browser.get("/admin/oauth/client/")["Location"])
    assert answer["Location"] == "/accounts/stronger/?next=%2Fadmin%2Foauth%2Fclient%2F"
    add_group(browser)
    assert not Group.objects.filter(name="Tellers").exists()


def test_the_demo_needs_a_password_alone(settings):
    settings.STAFF_SECOND_FACTOR = False
    assert add_group(logged_in(staff("superuser"))).status_code == 302
    assert Group.objects.filter(name="Tellers").exists()


def test_the_admin_has_no_login_form_of_its_own(alice):
    """Django's login form would accept a password without a second factor, and without a limit of attempts."""
    root = staff("superuser")
    TOTP.activate(root, SECRET)
    for browser in (Browser(), browser_of(staff("Support"))):
        browser.post("/admin/login/", {"username": root.email, "password": "correct-horse-battery"})
        assert browser.session.get("_auth_user_id") != str(root.pk)


def test_who_is_no_staff_is_refused(alice):
    assert browser_of(alice).get("/admin/login/").status_code == 403


# --- the recent proof


def test_an_act_needs_a_recent_proof():
    """ASVS 5.0 7.5.3: the filled-in form stays in the browser while the user reauthenticates."""
    browser = logged_in(staff("superuser"))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert browser.get("/admin/auth/group/").status_code == 200
        refused = add_group(browser)
        assert refused.status_code == 403
        assert not Group.objects.filter(name="Tellers").exists()
        url = re.search(r'href="(/accounts/reauthenticate/[^"]+)"', refused.content.decode())[1]
        browser.post(url.replace("&amp;", "&"), {"password": PASSWORD})
        assert add_group(browser).status_code == 302


@pytest.mark.parametrize(
    "path", ["/admin/oauth/auditevent/export/", "/admin/oauth/signingkey/rotate/ES256/", "/admin/oauth/client/"]
)
def test_every_post_of_the_admin_needs_it(path, signing_keys):
    """This holds for actions, exports and custom pages, because every page goes through the site's admin_view."""
    browser = logged_in(staff("superuser"))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert browser.post(path, {}).status_code == 403


def test_logging_out_needs_no_proof():
    browser = logged_in(staff("superuser"))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        browser.post("/admin/logout/")
        assert "_auth_user_id" not in browser.session


# --- whose account


@pytest.fixture
def root(db):
    person = staff("superuser")
    Authenticator.objects.create(user=person, type="totp", data={"secret": SECRET})
    return person


def test_support_touches_no_account_of_somebody_with_more_rights(root):
    """Support cannot remove a second factor, change, set a password, deactivate or delete."""
    helper = with_rights(
        "view_user", "change_user", "delete_user", "add_user", "view_authenticator", "delete_authenticator"
    )
    browser, factor = browser_of(helper), Authenticator.objects.get()
    officer = with_rights("rotate_signingkey")
    Authenticator.objects.create(user=officer, type="totp", data={"secret": SECRET})
    for target in (root, officer):
        factor = Authenticator.objects.get(user=target)
        for address, form in (
            (f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"}),
            ("/admin/mfa/authenticator/", delete(factor)),
            (f"{USERS}{target.pk}/delete/", {"post": "yes"}),
            (USERS, delete(target)),
            (f"{USERS}{target.pk}/change/", {"email": target.email, "name": "Taken", "is_staff": "on"}),
            (f"{USERS}{target.pk}/password/", {"ends_password": "on"}),
        ):
            browser.post(address, form)
        target.refresh_from_db()
        assert target.is_active
        assert target.name != "Taken"
        assert target.check_password("correct-horse-battery")
        assert Authenticator.objects.filter(pk=factor.pk).exists()


def delete(row):
    return {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}


def test_a_deactivated_account_keeps_its_rank(root):
    root.is_superuser, root.is_active = False, False
    root.save()
    root.user_permissions.set(Permission.objects.filter(codename="rotate_signingkey"))
    browser = browser_of(with_rights("view_user", "change_user"))
    browser.post(f"{USERS}{root.pk}/change/", {"email": root.email, "is_active": "on", "is_staff": "on"})
    root.refresh_from_db()
    assert not root.is_active


def test_nobody_gives_rights_that_they_lack(alice):
    """They can give such rights neither to themselves, nor to others, nor to a group."""
    helper = with_rights("view_user", "change_user", "view_group", "change_group", "add_group", "view_scope")
    browser = browser_of(helper)
    strong, weak = Permission.objects.get(codename="rotate_signingkey"), Permission.objects.get(codename="view_scope")
    officers = Group.objects.get(name="Key officer")
    form = {"is_active": "on", "is_staff": "on", "is_superuser": "on", "name": "x"}
    for target in (helper, alice):
        mine = {**form, "email": target.email, "groups": [str(officers.pk)], "user_permissions": [str(strong.pk)]}
        browser.post(f"{USERS}{target.pk}/change/", mine)
        target = User.objects.get(pk=target.pk)
        assert not target.is_superuser
        assert not target.has_perm("oauth.rotate_signingkey")
    browser.post("/admin/auth/group/add/", {"name": "Mine", "permissions": [str(strong.pk)]})
    assert not Group.objects.filter(name="Mine").exists()
    browser.post(f"/admin/auth/group/{officers.pk}/change/", {"name": "Emptied", "permissions": []})
    assert Group.objects.filter(name="Key officer").exists()
    assert browser.post("/admin/auth/group/add/", {"name": "Mine", "permissions": [str(weak.pk)]}).status_code == 302
    browser.post(
        f"{USERS}{alice.pk}/change/", {"email": alice.email, "is_active": "on", "user_permissions": [str(weak.pk)]}
    )
    assert User.objects.get(pk=alice.pk).user_permissions.get() == weak


def test_removing_a_second_factor_is_audited_and_mailed(alice, bob):
    helper = staff("Support")
    browser = browser_of(helper)
    for person in (alice, bob):
        Authenticator.objects.create(user=person, type="totp", data={"secret": SECRET})
        Authenticator.objects.create(user=person, type="recovery_codes", data={"seed": "ab" * 40, "used_mask": 0})
    of_alice, of_bob = (
        Authenticator.objects.get(user=alice, type="totp"),
        Authenticator.objects.get(user=bob, type="totp"),
    )
    browser.post(f"/admin/mfa/authenticator/{of_alice.pk}/delete/", {"post": "yes"})
    browser.post("/admin/mfa/authenticator/", delete(of_bob))
    # Recovery codes are created and removed together with the second factor.
    assert not Authenticator.objects.exists()
    for person in (alice, bob):
        event = AuditEvent.objects.filter(user=str(person.pk), action="staff_acted").earliest("id")
        assert (event.actor, event.endpoint) == (str(helper.pk), "admin.delete")
        assert AuditEvent.objects.filter(user=str(person.pk), action="log_in_changed").exists()
    run_jobs()
    assert {tuple(message.to) for message in mail.outbox} == {(alice.email,), (bob.email,)}


def run_jobs():
    from procrastinate.contrib.django.models import ProcrastinateJob

    for job in ProcrastinateJob.objects.filter(task_name=notice.TELL):
        notice.send_notice(**job.args)


def test_support_still_edits_a_scope_sentence(signing_keys):
    """The rules about users with more rights apply to user accounts only."""
    scope = Scope.objects.first()
    browser = browser_of(with_rights("view_scope", "change_scope"))
    assert browser.get(f"/admin/oauth/scope/{scope.pk}/change/").status_code == 200
