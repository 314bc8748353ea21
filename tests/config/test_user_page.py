"""The page of a user in the admin: what each tab shows to whom, and what its buttons do."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.utils import timezone

from accounts.models import User
from oauth.models import AuditEvent, Authorization
from tests.lib.login import is_logged_in, path_in, submit
from tests.lib.oauth_client import PASSWORD
from tests.lib.staff import browser_of, staff

pytestmark = pytest.mark.django_db
TABS = ("sessions", "factors", "apps", "accounts", "events", "roles")


def url(user, tab):
    return f"/admin/user/{user.pk}/{tab}/"


def text(browser, user, tab):
    answer = browser.get(url(user, tab))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def session(alice):
    store = SessionStore()
    store.create()
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    return UserSession.objects.create(user=alice, session_key=store.session_key, ip="192.0.2.7", user_agent=agent)


def test_tabs_show_what_is_known_of_a_user(admin_browser, alice, issued, mobile_app, session):
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    issued(mobile_app)
    assert "Firefox on Linux" in text(admin_browser, alice, "sessions")
    assert "192.0.2.7" in text(admin_browser, alice, "sessions")
    factors = text(admin_browser, alice, "factors")
    assert "JBSWY3DPEHPK3PXP" not in factors
    assert "/delete/" in factors
    apps = text(admin_browser, alice, "apps")
    assert f"/admin/oauth/client/{mobile_app.pk}/change/" in apps
    assert "accounts:read" in apps
    assert "Tokens were issued" in text(admin_browser, alice, "events")
    assert "a customer, not staff" in text(admin_browser, alice, "roles")
    assert "The user has no account" in text(admin_browser, alice, "accounts")
    page = admin_browser.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert all(f'href="{url(alice, tab)}"' in page for tab in TABS)


def test_support_sees_neither_hash_nor_permission_pickers(alice):
    browser = browser_of(staff("Support"))
    page = browser.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert "pbkdf2" not in page
    assert "argon2" not in page
    assert "algorithm" not in page
    assert "user_permissions" not in page
    assert "is_superuser" not in page
    assert url(alice, "accounts") not in page
    assert browser.get(url(alice, "accounts")).status_code == 403
    assert browser.get(url(alice, "nothing")).status_code == 404


def test_support_changes_users_without_giving_rights(alice):
    """Staff who may edit users but no roles see no rights to give, and a forged form gives none."""
    helper = staff()
    helper.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    browser = browser_of(helper)
    form = {"email": alice.email, "name": "New", "is_active": "on", "is_staff": "on"}
    form["user_permissions"] = [str(one.pk) for one in helper.user_permissions.all()]
    assert browser.post(f"/admin/accounts/user/{alice.pk}/change/", form).status_code == 302
    alice.refresh_from_db()
    assert (alice.name, alice.is_staff, alice.user_permissions.count()) == ("New", False, 0)


def test_support_logs_a_browser_out(alice, session, browser):
    helper = staff("Support")
    answer = browser_of(helper).post(url(alice, "sessions"), {"session": str(session.pk)})
    assert answer.status_code == 302
    assert not UserSession.objects.filter(pk=session.pk).exists()
    assert not SessionStore().exists(session.session_key)
    event = AuditEvent.objects.get(action="staff_acted")
    assert (event.user, event.actor, event.endpoint) == (str(alice.pk), str(helper.pk), "admin.log-out")


@pytest.mark.parametrize("wanted", ["0", "9" * 30, "x", "-1"])
def test_a_session_of_nobody_ends_nothing(alice, session, wanted):
    assert browser_of(staff("Support")).post(url(alice, "sessions"), {"session": wanted}).status_code == 302
    assert UserSession.objects.filter(pk=session.pk).exists()


def test_a_session_of_another_user_stays(alice, bob, session):
    browser_of(staff("Support")).post(url(bob, "sessions"), {"session": str(session.pk)})
    browser_of(staff("Support")).post(url(bob, "sessions"), {"session": "all"})
    assert UserSession.objects.filter(pk=session.pk).exists()


def test_support_revokes_one_authorization(alice, bob, issued, mobile_app):
    issued(mobile_app)
    one = Authorization.objects.get()
    support = browser_of(staff("Support"))
    support.post(url(bob, "apps"), {"authorization": str(one.pk)})
    assert support.post(url(alice, "apps"), {"authorization": "x"}).status_code == 404
    one.refresh_from_db()
    assert one.is_live
    support.post(url(alice, "apps"), {"authorization": str(one.pk)})
    one.refresh_from_db()
    assert one.revocation_reason == "admin"
    event = AuditEvent.objects.get(action="revoked")
    assert (event.endpoint, event.user) == ("admin", str(alice.pk))


def test_an_auditor_acts_on_nothing(alice, session, issued, mobile_app):
    issued(mobile_app)
    browser = browser_of(staff("Auditor"))
    assert browser.get(url(alice, "apps")).status_code == 200
    assert browser.post(url(alice, "apps"), {"authorization": str(Authorization.objects.get().pk)}).status_code == 403
    assert browser.post(url(alice, "sessions"), {"session": "all"}).status_code == 403
    assert UserSession.objects.filter(pk=session.pk).exists()


def test_support_acts_on_nobody_with_more_rights(session, issued, mobile_app):
    root = staff("superuser")
    one = UserSession.objects.create(user=root, session_key="k" * 32, ip="192.0.2.8", user_agent="")
    browser = browser_of(staff("Support"))
    assert browser.post(url(root, "sessions"), {"session": str(one.pk)}).status_code == 403
    assert UserSession.objects.filter(pk=one.pk).exists()


# --- invitations and resets


def test_a_new_user_is_invited_and_chooses_a_password(admin_browser, client):
    """ASVS 5.0 6.4.6: nobody but the user knows it."""
    form = admin_browser.get("/admin/accounts/user/add/").content.decode()
    assert "password1" not in form
    answer = admin_browser.post("/admin/accounts/user/add/", {"email": "New@Example.test", "name": "New"})
    assert answer.status_code == 302
    new = User.objects.get(email="new@example.test")
    assert not new.has_usable_password()


def test_an_invitation_leads_to_a_password(admin_browser, client, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        admin_browser.post("/admin/accounts/user/add/", {"email": "new@example.test", "name": "New"})
    [message] = mail.outbox
    assert message.to == ["new@example.test"]
    assert "You are invited" in message.subject
    link = path_in(message)
    submit(client, client.get(link)["Location"], password1="a-horse-of-my-own", password2="a-horse-of-my-own")
    assert User.objects.get(email="new@example.test").check_password("a-horse-of-my-own")


def test_nobody_is_invited_to_the_email_of_another(admin_browser, alice):
    EmailAddress.objects.create(user=alice, email="second@example.test", verified=True)
    answer = admin_browser.post("/admin/accounts/user/add/", {"email": "second@example.test", "name": ""})
    assert "belongs to another user" in answer.content.decode()
    assert not mail.outbox


def test_a_reset_ends_the_password_only_if_it_should(admin_browser, alice, browser):
    page = f"/admin/accounts/user/{alice.pk}/password/"
    assert alice.email in admin_browser.get(page).content.decode()
    assert admin_browser.post(page, {}).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert len(mail.outbox) == 1
    admin_browser.post(page, {"ends_password": "on"})
    alice.refresh_from_db()
    assert not alice.has_usable_password()
    assert not is_logged_in(browser)
    assert "/accounts/password/reset/key/" in mail.outbox[-1].body


def test_no_link_goes_to_a_user_who_is_not_active(admin_browser, alice):
    alice.is_active = False
    alice.save()
    answer = admin_browser.post(f"/admin/accounts/user/{alice.pk}/password/", {})
    assert "Activate the user first" in answer.content.decode()
    assert not mail.outbox


def test_times_in_the_admin_have_seconds_and_a_zone(admin_browser, alice):
    alice.last_login = timezone.now().replace(microsecond=0) - timedelta(days=1)
    alice.save()
    written = f"{timezone.localtime(alice.last_login):%Y-%m-%d %H:%M:%S %Z}"
    assert written in admin_browser.get("/admin/accounts/user/?q=alice").content.decode()
    assert written in admin_browser.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
