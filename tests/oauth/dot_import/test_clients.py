"""The client for an application of DOT never gets more than the application had, or than this server allows."""

import base64
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from oauth.clients.authentication import imported_secret
from oauth.models import AuditEvent, Client
from oauth.models.secret import digest
from tests.oauth.dot_import.conftest import SECRET, hashed

pytestmark = pytest.mark.django_db


def client_of(application: Any) -> Client:
    return Client.objects.get(client_id=application.client_id)


def findings(report: dict[str, Any], application: Any) -> str:
    [found] = [one for one in report["clients"] if one["client_id"] == application.client_id]
    return " ".join(f"{one['what']} {one['fix']}" for one in found["findings"])


def test_a_dry_run_writes_nothing(old, command):
    old.application()
    report = command()
    assert report["is_dry_run"]
    assert report["counts"] == {"clients: works": 1}
    assert not Client.objects.exists()


def test_a_web_app_keeps_what_it_was(old, command):
    application = old.application(name="Shop", algorithm="RS256", allowed_origins="https://app.example")
    old.access_token("expired", application, expires=application.created)
    report = command("--apply")
    client = client_of(application)
    assert (client.name, client.kind, client.client_type) == ("Shop", "web", "confidential")
    assert client.grant_types == ["authorization_code", "refresh_token"]
    assert client.redirect_uris == "https://app.example/callback"
    assert client.allowed_scopes == ["accounts:read"]
    assert client.allowed_origins == "https://app.example"
    assert client.id_token_signed_response_alg == "RS256"
    assert client.is_active
    assert report["clients"] == []
    client.full_clean()
    event = AuditEvent.objects.get(action=AuditEvent.Action.CLIENT_REGISTERED)
    assert (event.client, event.reason) == (application.client_id, "imported from django-oauth-toolkit")


def test_a_client_may_request_the_scopes_of_its_tokens_only(old, command):
    first, second = old.application(), old.application()
    old.access_token("one", first, scope="read")
    old.access_token("two", second, scope="write openid")
    command("--apply")
    assert client_of(first).allowed_scopes == ["accounts:read"]
    assert client_of(second).allowed_scopes == ["openid", "transfers:write"]


def test_on_request_each_client_gets_every_mapped_scope(old, command):
    application = old.application()
    command("--apply", "--all-scopes")
    assert client_of(application).allowed_scopes == ["accounts:read", "openid", "transfers:write"]


@pytest.mark.parametrize(
    ("fields", "grant_types", "state", "said"),
    [
        ({"authorization_grant_type": "password"}, ["refresh_token"], "sessions only", "password grant is not supported"),
        ({"authorization_grant_type": "implicit", "client_type": "public"}, [], "sessions only", "implicit flow"),
        ({"authorization_grant_type": "openid-hybrid"}, ["authorization_code", "refresh_token"], "works", "hybrid flow"),
        ({"authorization_grant_type": "saml"}, [], "sessions only", "unknown"),
        ({"authorization_grant_type": "client-credentials", "client_type": "public", "redirect_uris": ""},
         [], "sessions only", "public client cannot use client credentials"),
        ({"redirect_uris": "https://*.app.example/callback"}, ["refresh_token"], "sessions only", "no wildcard"),
        ({"redirect_uris": "http://app.example/callback"}, ["refresh_token"], "sessions only", "use https"),
        ({"redirect_uris": "myapp://callback", "client_type": "public"},
         ["refresh_token"], "sessions only", "reversed domain name"),
        ({"client_id": "123456"}, ["authorization_code", "refresh_token"], "disabled", "must not be a UUID or a number"),
        ({"registration_source": "cimd", "client_id": "https://app.example/client.json"},
         ["authorization_code", "refresh_token"], "disabled", "metadata document"),
        ({"client_secret": ""}, ["authorization_code", "refresh_token"], "works", "no secret"),
        ({"client_secret": "unheard_of$1$salt$hash"}, ["authorization_code", "refresh_token"], "works", "hasher"),
        ({"skip_authorization": True}, ["authorization_code", "refresh_token"], "works", "asked once"),
        ({"algorithm": "HS256"}, ["authorization_code", "refresh_token"], "works", "JWK Set"),
        ({"allowed_origins": "https://*.example http://x.example"},
         ["authorization_code", "refresh_token"], "works", "Allowed origins"),
    ],
)  # fmt: skip
def test_what_is_unsafe_is_left_out_and_reported(old, command, fields, grant_types, state, said):
    application = old.application(**fields)
    old.access_token("a token", application)
    report = command("--apply")
    client = client_of(application)
    assert client.grant_types == grant_types
    assert client.is_active is (state != "disabled")
    assert [one["state"] for one in report["clients"]] == [state]
    assert said in findings(report, application)
    assert "*" not in client.redirect_uris + client.allowed_origins
    assert "http://" not in client.redirect_uris + client.allowed_origins


def test_of_several_redirect_uris_the_safe_ones_are_kept(old, command):
    uris = "https://app.example/callback http://app.example/callback http://127.0.0.1:8000/callback"
    application = old.application(redirect_uris=uris)
    report = command("--apply")
    assert client_of(application).redirect_uris == "https://app.example/callback\nhttp://127.0.0.1:8000/callback"
    assert "http://app.example/callback" in findings(report, application)


def test_a_client_that_is_here_already_is_not_touched(old, command, web_app):
    application = old.application(client_id=web_app.client_id)
    user = old.user("alice@example.test")
    old.refresh_token("theirs", application, user)
    report = command("--apply")
    assert report["counts"]["clients: not imported"] == 1
    assert report["counts"]["refresh tokens left out: of a client that was not imported"] == 1
    assert client_of(application).name == web_app.name


class TestSecrets:
    def authenticate(self, token_endpoint, application, secret, *, in_body=False):
        form = {"grant_type": "client_credentials"}
        if in_body:
            return token_endpoint.post(**form, client_id=application.client_id, client_secret=secret)
        credentials = base64.b64encode(f"{application.client_id}:{secret}".encode()).decode()
        return token_endpoint.post(headers={"Authorization": f"Basic {credentials}"}, **form)

    @pytest.fixture
    def service(self, old):
        application = old.application(authorization_grant_type="client-credentials", redirect_uris="")
        old.access_token("a token", application)
        return application

    @pytest.mark.parametrize("in_body", [False, True])
    def test_the_first_use_stores_the_secret_as_ours(self, service, command, token_endpoint, in_body):
        command("--apply")
        assert client_of(service).secret_digest is None
        assert self.authenticate(token_endpoint, service, SECRET, in_body=in_body).status_code == 200
        assert bytes(client_of(service).secret_digest) == digest(SECRET)

    def test_later_uses_run_no_slow_hash(self, service, command, token_endpoint, monkeypatch):
        command("--apply")
        assert self.authenticate(token_endpoint, service, SECRET).status_code == 200
        monkeypatch.setattr(imported_secret, "check_password", lambda *_: pytest.fail("a slow hash"))
        assert self.authenticate(token_endpoint, service, SECRET).status_code == 200
        assert self.authenticate(token_endpoint, service, SECRET, in_body=True).status_code == 200
        assert self.authenticate(token_endpoint, service, "wrong").status_code == 401

    def test_a_wrong_secret_is_refused_and_stores_nothing(self, service, command, token_endpoint):
        command("--apply")
        assert self.authenticate(token_endpoint, service, "wrong").status_code == 401
        assert client_of(service).secret_digest is None

    def test_the_stored_hash_itself_is_no_secret(self, service, command, token_endpoint):
        command("--apply")
        assert self.authenticate(token_endpoint, service, service.client_secret).status_code == 401

    def test_a_stranger_causes_only_a_few_slow_hashes(
        self, service, command, token_endpoint, monkeypatch, clock_stands
    ):
        command("--apply")
        checked = []
        monkeypatch.setattr(imported_secret, "check_password", lambda *_: checked.append(1))
        for _ in range(imported_secret.CHECKS.most + 5):
            answer = self.authenticate(token_endpoint, service, "wrong")
        assert answer.status_code == 429
        assert len(checked) <= imported_secret.CHECKS.most

    def test_a_secret_that_was_stored_in_plain_text_is_hashed_at_once(self, old, command, token_endpoint):
        application = old.application(
            authorization_grant_type="client-credentials", redirect_uris="", client_secret=SECRET,
            hash_client_secret=False,
        )  # fmt: skip
        old.access_token("a token", application)
        command("--apply")
        client = client_of(application)
        assert bytes(client.secret_digest) == digest(SECRET)
        assert SECRET not in client.imported_secret
        assert self.authenticate(token_endpoint, application, SECRET, in_body=True).status_code == 200

    def test_a_new_secret_ends_the_imported_one(self, service, command, token_endpoint):
        command("--apply")
        client = client_of(service)
        new = client.issue_secret()
        client.save()
        assert self.authenticate(token_endpoint, service, SECRET).status_code == 401
        assert self.authenticate(token_endpoint, service, new).status_code == 200
        assert self.authenticate(token_endpoint, service, SECRET, in_body=True).status_code == 401

    def test_a_short_secret_is_named_in_the_audit_log(self, old, command, token_endpoint):
        application = old.application(
            authorization_grant_type="client-credentials", redirect_uris="", client_secret=hashed("hunter2")
        )
        old.access_token("a token", application)
        command("--apply")
        assert self.authenticate(token_endpoint, application, "hunter2").status_code == 200
        event = AuditEvent.objects.get(action=AuditEvent.Action.CLIENT_CHANGED, client=application.client_id)
        assert "only 7 characters" in event.reason
        assert "hunter2" not in event.reason

    def test_another_client_costs_no_more(self, web_app, token_endpoint):
        """A secret of this server is never checked with a hasher, and costs no query."""
        assert token_endpoint.refresh(web_app, "unknown").status_code == 400
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert token_endpoint.refresh(web_app, "unknown").json()["error"] == "invalid_grant"
        assert not [one for one in queries.captured_queries if "oauth_imported" in one["sql"]]


def test_the_admin_shows_an_imported_client_as_any_other(old, command, django_user_model):
    application = old.application(name="Shop")
    old.access_token("a token", application)
    command("--apply")
    browser = Browser()
    browser.force_login(django_user_model.objects.create_superuser("admin@example.test", "correct-horse-battery"))
    listed = browser.get("/admin/oauth/client/")
    assert "Shop" in listed.content.decode()
    page = browser.get(f"/admin/oauth/client/{client_of(application).pk}/change/")
    assert page.status_code == 200
    assert SECRET not in page.content.decode()
    assert application.client_secret not in page.content.decode()
