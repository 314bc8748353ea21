"""Each role sees and does what its work needs, and nothing else."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.models import User
from oauth.conf import conf
from oauth.keys import rotation
from oauth.models import AuditEvent, Authorization, SigningKey
from oauth.staff import roles

pytestmark = pytest.mark.django_db

CLIENT_MANAGER, SUPPORT, AUDITOR, KEY_OFFICER = "Client manager", "Support", "Auditor", "Key officer"
EVERYBODY = (CLIENT_MANAGER, SUPPORT, AUDITOR, KEY_OFFICER, "")
PAGES = {
    "/admin/oauth/client/": {CLIENT_MANAGER, SUPPORT, AUDITOR},
    "/admin/oauth/client/add/": {CLIENT_MANAGER},
    "/admin/oauth/auditevent/": {SUPPORT, AUDITOR},
    "/admin/oauth/authorization/": {SUPPORT, AUDITOR},
    "/admin/oauth/signingkey/": {AUDITOR, KEY_OFFICER},
    "/admin/oauth/signingkey/rotate/ES256/": {KEY_OFFICER},
    "/admin/oauth/signingkey/replace/ES256/": {KEY_OFFICER},
    "/admin/oauth/scope/": {CLIENT_MANAGER, AUDITOR},
    "/admin/oauth/initialaccesstoken/": {CLIENT_MANAGER, AUDITOR},
    "/admin/accounts/user/": {SUPPORT, AUDITOR},
    "/admin/mfa/authenticator/": {SUPPORT, AUDITOR},
    "/admin/banking/ledgertransaction/": {AUDITOR},
    "/admin/auth/group/": set(),
}


@pytest.mark.parametrize("role", EVERYBODY)
def test_each_role_opens_its_pages_and_no_other(of_role, role, signing_keys):
    browser = of_role(role)
    opened = {url for url in PAGES if browser.get(url).status_code == 200}
    assert opened == {url for url, allowed in PAGES.items() if role in allowed}


def test_the_auditor_sees_the_whole_bank(db, rf):
    """Also the tables within a page, such as the entries of a transaction and the users with access to an account."""
    request = rf.get("/")
    request.user = User.objects.create_user("auditor@example.test", "correct-horse-battery", is_staff=True)
    request.user.groups.add(Group.objects.get(name=AUDITOR))
    of_the_bank = [one for model, one in admin.site._registry.items() if model._meta.app_label == "banking"]
    hidden = [one for one in of_the_bank if not one.has_view_permission(request)]
    shown = {inline.__class__ for one in of_the_bank for inline in one.get_inline_instances(request)}
    assert (hidden, {inline for one in of_the_bank for inline in one.inlines} - shown) == ([], set())


def test_a_second_click_on_save_shows_the_form_again(admin_browser, monkeypatch):
    """Both requests find the name unused, and only one can store it."""
    checks = Group.validate_unique
    once = iter([None])
    monkeypatch.setattr(Group, "validate_unique", lambda *args, **given: next(once, checks) and checks(*args, **given))
    answer = admin_browser.post("/admin/auth/group/add/", {"name": AUDITOR})
    assert answer.status_code == 200
    assert "Group with this Name already exists." in answer.content.decode()


def test_nobody_opens_a_page_without_logging_in(client):
    for url in PAGES:
        assert client.get(url).status_code == 302


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_role_changes_clients_only_if_it_may(of_role, role, web_app):
    browser = of_role(role)
    statuses = [
        browser.post(f"/admin/oauth/client/{web_app.pk}/{what}/", {"typed": web_app.client_id}).status_code
        for what in ("new-secret", "retire-secret")
    ]
    assert statuses == ([200, 302] if role == CLIENT_MANAGER else [403, 403])
    form = {"post": "yes", "typed": web_app.client_id}
    deleted = browser.post(f"/admin/oauth/client/{web_app.pk}/delete/", form)
    assert (deleted.status_code == 302) is (role == CLIENT_MANAGER)


@pytest.mark.parametrize("role", EVERYBODY)
def test_support_ends_an_authorization_and_others_do_not(of_role, role, issued, mobile_app):
    issued(mobile_app)
    selected = Authorization.objects.get()
    of_role(role).post("/admin/oauth/authorization/", {"action": "revoke", "_selected_action": [str(selected.pk)]})
    selected.refresh_from_db()
    assert (selected.revoked_at is not None) is (role == SUPPORT)


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("action", ["rotate", "replace"])
def test_the_key_officer_changes_keys_and_others_do_not(of_role, role, action, signing_keys):
    before = SigningKey.objects.count()
    answer = of_role(role).post(f"/admin/oauth/signingkey/{action}/ES256/", {"confirmation": "ES256"})
    # The key that now signs, and the next one.
    assert (answer.status_code, SigningKey.objects.count() - before) == ((302, 2) if role == KEY_OFFICER else (403, 0))
    recorded = AuditEvent.objects.filter(action__in=["key_published", "key_retired"]).exclude(actor="")
    assert recorded.exists() is (role == KEY_OFFICER)


def test_an_emergency_is_typed_and_not_clicked(of_role, signing_keys):
    browser = of_role(KEY_OFFICER)
    url = "/admin/oauth/signingkey/replace/ES256/"
    assert "Type ES256" in browser.post(url, {"confirmation": "es"}).content.decode()
    assert not SigningKey.objects.exclude(retired_at=None).exists()
    browser.post(url, {"confirmation": "ES256"})
    assert [key.state for key in SigningKey.objects.filter(algorithm="ES256")].count("active") == 1
    assert SigningKey.objects.exclude(retired_at=None).filter(algorithm="ES256").exists()
    assert not SigningKey.objects.exclude(retired_at=None).exclude(algorithm="ES256").exists()
    assert browser.post("/admin/oauth/signingkey/replace/HS256/", {"confirmation": "HS256"}).status_code == 404


def test_looking_at_the_confirmation_changes_nothing(of_role, signing_keys):
    before = list(SigningKey.objects.values())
    for action in ("rotate", "replace"):
        assert of_role(KEY_OFFICER).get(f"/admin/oauth/signingkey/{action}/ES256/").status_code == 200
    assert list(SigningKey.objects.values()) == before


def test_the_next_rotation_is_foretold(signing_keys, settings):
    due = rotation.next_rotation("ES256")
    assert due == SigningKey.objects.get(algorithm="ES256").active_at + conf.KEY_ROTATION_INTERVAL
    assert rotation.next_rotation("none") is None


def test_a_group_that_somebody_changed_stays_so(db):
    support = Group.objects.get(name=SUPPORT)
    support.permissions.clear()
    Group.objects.get(name=AUDITOR).delete()
    roles.create_missing_groups()
    assert not support.permissions.exists()
    assert Group.objects.get(name=AUDITOR).permissions.filter(codename="export_auditevent").exists()


@pytest.mark.parametrize("role", EVERYBODY)
def test_the_home_page_shows_each_role_what_it_may_see(of_role, role, signing_keys):
    page = of_role(role).get("/admin/").content.decode()
    assert ("Signing keys</a></h2>" in page) is (role in (AUDITOR, KEY_OFFICER))
    assert ("Refusals by reason" in page) is (role in (AUDITOR, SUPPORT))
    assert ("Ledger audit" in page) is (role == AUDITOR)
    assert ("Find by error ID" in page) is (role in (AUDITOR, SUPPORT))
    assert ('href="/admin/oauth/client/">Clients</a></h2>' in page) is (role in (AUDITOR, SUPPORT, CLIENT_MANAGER))
