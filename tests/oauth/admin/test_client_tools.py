"""The test button, the programs to copy, and the secret that is shown once."""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from oauth.models import (
    AuditEvent,
    Authorization,
    AuthorizationCode,
    Client,
    DeviceCode,
    RefreshToken,
    Session,
)
from tests.lib.client_keys import ClientKey
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db
LEAVES_NOTHING = (Authorization, AuthorizationCode, RefreshToken, DeviceCode, Session)


def run_test(browser, client):
    page = browser.post(f"/admin/oauth/client/{client.pk}/test/")
    assert page.status_code == 200
    return page


@pytest.mark.parametrize("kind", ["mobile", "web", "browser", "service", "device"])
def test_the_test_runs_the_whole_flow_and_leaves_nothing(admin_browser, signing_keys, kind):
    client = make_client(kind)
    client.save()
    page = run_test(admin_browser, client)
    steps = page.context["steps"]
    assert all(step.is_done for step in steps), steps
    payload = next(step.document["payload"] for step in steps if "payload" in step.document)
    assert payload["client_id"] == client.client_id
    assert not any(model.objects.exists() for model in LEAVES_NOTHING)
    assert [event.action for event in AuditEvent.objects.exclude(action="logged_in")] == ["client_tested"]
    # Anybody can use a signed token, so no page may show one.
    assert not re.search(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", page.content.decode())


def test_a_fapi_client_is_tested_with_a_key_of_nobody(admin_browser, signing_keys):
    client = make_client(
        "web", security_profile="fapi2", token_endpoint_auth_method="private_key_jwt",
        client_jwks={"keys": [ClientKey().public]},
    )  # fmt: skip
    client.save()
    steps = run_test(admin_browser, client).context["steps"]
    assert all(step.is_done for step in steps), steps
    assert next(step.document["payload"]["cnf"] for step in steps if "payload" in step.document)["jkt"]


@pytest.mark.parametrize(
    ("kind", "values", "why"),
    [
        ("mobile", {"allowed_scopes": []}, "scope is missing"),
        ("service", {"allowed_scopes": ["openid"]}, "no scopes allowed for client_credentials"),
        ("web", {"is_active": False}, "refuses this client"),
        ("web", {"redirect_uris": ""}, "redirect_uri"),
    ],
)
def test_the_test_of_a_client_says_why_it_would_fail(admin_browser, signing_keys, kind, values, why):
    client = make_client(kind, **values)
    client.save()
    steps = run_test(admin_browser, client).context["steps"]
    assert not steps[-1].is_done
    assert why in steps[-1].explanation
    assert AuditEvent.objects.get(action="client_tested").reason == steps[-1].explanation


def test_looking_at_the_test_runs_nothing(admin_browser, web_app):
    assert admin_browser.get(f"/admin/oauth/client/{web_app.pk}/test/").status_code == 200
    assert not AuditEvent.objects.filter(action="client_tested").exists()


@pytest.mark.parametrize(("role", "status"), [("Client manager", 200), ("Support", 403), ("Auditor", 403), ("", 403)])
def test_only_staff_with_the_right_can_test_a_client(of_role, signing_keys, web_app, role, status):
    assert of_role(role).post(f"/admin/oauth/client/{web_app.pk}/test/").status_code == status


@pytest.mark.parametrize(
    ("role", "status"), [("Client manager", 200), ("Support", 200), ("Auditor", 200), ("Key officer", 403), ("", 403)]
)
def test_programs_are_only_for_staff_who_may_view_clients(of_role, web_app, role, status):
    assert of_role(role).get(f"/admin/oauth/client/{web_app.pk}/programs/").status_code == status


def test_a_strange_value_is_a_string_and_nothing_more(admin_browser):
    strange = "https://app.example/'$(id)'"
    client = make_client("mobile", redirect_uris=strange, client_id="a'$(id)$x\"")
    client.save()
    page = admin_browser.get(f"/admin/oauth/client/{client.pk}/programs/")
    programs = {snippet.file_name: snippet.code for snippet in page.context["snippets"]}
    compile(programs["app.py"], "app.py", "exec")
    assert json.dumps(client.client_id) in programs["app.py"]
    assert r"\$(id)\$x" in programs["LogIn.kt"]  # in a Kotlin string, $x would be replaced by a variable


def test_a_client_that_signs_is_told_where_a_program_is(admin_browser):
    client = make_client("mobile", dpop_bound_access_tokens=True)
    client.save()
    assert "demo_app --fapi" in admin_browser.get(f"/admin/oauth/client/{client.pk}/programs/").content.decode()


# --- the secret


def test_no_page_shows_a_secret_a_second_time(admin_browser, signing_keys):
    """ASVS 5.0 13.3: neither a page nor the admin's history nor the log nor the audit log contains it."""
    form = {"kind": "web", "name": "App", "redirect_uris": "https://app.example/x", "allowed_scopes": ["accounts:read"]}
    shown = admin_browser.post("/admin/oauth/client/add/", form).content.decode()
    first = re.search(r'id="client-secret">([^<]+)<', shown)[1]
    client = Client.objects.get()
    url = f"/admin/oauth/client/{client.pk}"
    second = re.search(r'id="client-secret">([^<]+)<', admin_browser.post(f"{url}/new-secret/").content.decode())[1]
    assert shown.count(first) == 1
    pages = [
        admin_browser.get(f"{url}/{page}/").content.decode()
        for page in ("change", "secret", "history", "test", "programs")
    ]
    pages += [
        admin_browser.get(page).content.decode()
        for page in ("/admin/", "/admin/oauth/client/", "/admin/oauth/auditevent/")
    ]
    pages.append(run_test(admin_browser, client).content.decode())
    answer = admin_browser.post("/admin/oauth/auditevent/export/", {"format": "json"})
    pages.append(b"".join(answer.streaming_content).decode())
    pages += [repr(list(LogEntry.objects.values())), repr(list(AuditEvent.objects.values()))]
    for secret in (first, second):
        assert not [page for page in pages if secret in page]


def test_the_old_secret_ends_when_it_is_retired(admin_browser, web_app):
    url, client_id = f"/admin/oauth/client/{web_app.pk}", web_app.client_id
    assert "Old secret" not in admin_browser.get(f"{url}/secret/").content.decode()
    new = re.search(r'id="client-secret">([^<]+)<', admin_browser.post(f"{url}/new-secret/").content.decode())[1]
    assert "Old secret: works until" in admin_browser.get(f"{url}/secret/").content.decode()
    assert admin_browser.get(f"{url}/retire-secret/").status_code == 403
    for what in ("retire-secret", "new-secret"):  # each of these would stop a client that is in use
        admin_browser.post(f"{url}/{what}/", {"typed": "another-client"})
    assert Client.objects.get().secret_is(web_app.secret)
    admin_browser.post(f"{url}/retire-secret/", {"typed": client_id})
    client = Client.objects.get()
    assert (client.secret_is(web_app.secret), client.secret_is(new)) == (False, True)
    assert AuditEvent.objects.filter(action="secret_retired", client=client.client_id).count() == 1
    admin_browser.post(f"{url}/retire-secret/")  # the second time, there is no secret left to retire
    assert AuditEvent.objects.filter(action="secret_retired").count() == 1


def test_the_old_secret_ends_by_itself(admin_browser, web_app):
    admin_browser.post(f"/admin/oauth/client/{web_app.pk}/new-secret/")
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        client = Client.objects.get()
        assert not client.secret_is(web_app.secret)
        assert not client.has_two_secrets


def test_buttons_need_the_csrf_token(web_app, django_user_model):
    from django.test import Client as Browser

    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(django_user_model.objects.create_superuser("csrf@example.test", "correct-horse-battery"))
    for path in (
        f"client/{web_app.pk}/new-secret/", f"client/{web_app.pk}/retire-secret/", f"client/{web_app.pk}/test/",
        f"client/{web_app.pk}/advice/", "client/advice/", "auditevent/export/", "signingkey/rotate/ES256/",
        "signingkey/replace/ES256/",
    ):  # fmt: skip
        assert browser.post(f"/admin/oauth/{path}").status_code == 403
