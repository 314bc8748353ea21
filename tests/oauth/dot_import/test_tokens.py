"""Refresh tokens, access tokens and consent of DOT: nobody is logged out, and no token gets more permissions than it
had.
"""

import base64
import json
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from banking.accounts.opening import open_account
from oauth.conf import conf
from oauth.dot_import import ImportRefused, mapping
from oauth.dot_import.users import Users
from oauth.models import Authorization, Client, DotImport, ImportedAccessToken, RefreshToken, RememberedConsent
from oauth.models.secret import digest
from oauth.status import imported_access_tokens
from tests.lib.oauth_client import authorization_url
from tests.oauth.dot_import.conftest import SECRET, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(old) -> Any:
    return old.application()


@pytest.fixture
def mobile(old) -> Any:
    return old.application(client_type="public", redirect_uris="com.example.app:/callback")


@pytest.fixture
def user(old, alice) -> Any:
    return old.user(alice.email)


def here(application: Any) -> Client:
    client = Client.objects.get(client_id=application.client_id)
    client.secret = "" if client.is_public else SECRET  # type: ignore[attr-defined]
    return client


def refresh(token_endpoint, application, token):
    return token_endpoint.refresh(here(application), token)


def post(path, application, **form):
    client = here(application)
    body = urlencode({"client_id": client.client_id, "client_secret": SECRET, **form})
    return Browser().post(path, body, content_type="application/x-www-form-urlencoded")


def introspect(application, token):
    return post("/oauth/introspect", application, token=token).json()


class TestRefreshTokens:
    def test_a_confidential_client_refreshes_as_before(self, old, web, user, alice, command, token_endpoint):
        old.refresh_token("the old one", web, user)
        counts = command("--apply")["counts"]
        assert (counts["refresh tokens adopted"], counts["authorizations"]) == (1, 1)
        for _ in range(2):
            answer = refresh(token_endpoint, web, "the old one")
            assert answer.status_code == 200, answer.content
            assert answer.json()["scope"] == "accounts:read"
        assert Authorization.objects.get().user == alice

    def test_the_first_use_by_a_public_client_makes_the_first_generation(
        self, old, mobile, user, command, token_endpoint
    ):
        old.refresh_token("the old one", mobile, user)
        command("--apply")
        answer = refresh(token_endpoint, mobile, "the old one").json()
        generations = RefreshToken.objects.order_by("generation").values_list("generation", flat=True)
        assert list(generations) == [0, 1]
        assert refresh(token_endpoint, mobile, answer["refresh_token"]).status_code == 200

    def test_a_token_that_dot_replaced_ends_the_family(self, old, mobile, user, command, token_endpoint):
        """RFC 9700 §4.14.2: the old token and its successor are both in use, so one of the two users is not the
        client.
        """
        family = uuid.uuid4()
        old.refresh_token("first", mobile, user, token_family=family, revoked=ago(seconds=1))
        old.refresh_token("second", mobile, user, token_family=family)
        old.refresh_token("of another family", mobile, user, token_family=uuid.uuid4())
        assert command("--apply")["counts"]["ended refresh tokens kept to detect reuse"] == 1
        assert refresh(token_endpoint, mobile, "first").json()["error"] == "invalid_grant"
        assert refresh(token_endpoint, mobile, "second").json()["error"] == "invalid_grant"
        assert refresh(token_endpoint, mobile, "of another family").status_code == 200

    def test_an_ended_family_stays_ended(self, old, web, user, command, token_endpoint):
        old.refresh_token("revoked", web, user, token_family=uuid.uuid4(), revoked=ago(days=1))
        old.access_token("scope of the client", web)
        command("--apply")
        assert not Authorization.objects.exists()
        assert refresh(token_endpoint, web, "revoked").json()["error"] == "invalid_grant"

    def test_what_dot_would_refuse_is_left_out(self, old, web, user, command):
        expired = old.access_token("expired", web, user, expires=ago(hours=3))
        old.refresh_token("too old", web, user, access_token=expired)
        old.refresh_token("an orphan", web, user, access_token=None)
        counts = command("--apply", "--refresh-token-expire-seconds", "7200")["counts"]
        assert counts["refresh tokens left out: refused by DOT, too: expired"] == 1
        assert counts["refresh tokens left out: refused by DOT, too: no access token"] == 1
        assert not RefreshToken.objects.exists()

    def test_the_earlier_limit_counts(self, old, web, user, command):
        old.refresh_token("short", web, user, access_token=old.access_token("a", web, user, expires=ago(hours=1)))
        command("--apply", "--refresh-token-expire-seconds", "7200")
        assert abs(RefreshToken.objects.get().expires_at - ago(hours=-1)) < timedelta(minutes=1)

    def test_ours_counts_if_dot_has_none(self, old, web, user, command):
        old.refresh_token("long", web, user)
        command("--apply")
        token = RefreshToken.objects.get()
        assert abs(token.expires_at - timezone.now() - conf.REFRESH_TOKEN_IDLE_LIFETIME) < timedelta(minutes=1)
        lifetime = token.authorization.expires_at - timezone.now()
        assert abs(lifetime - conf.AUTHORIZATION_LIFETIME) < timedelta(minutes=1)

    def test_the_login_is_never_newer_than_it_was(self, old, web, user, command):
        """An old token must not satisfy a request for a recent login (RFC 9470)."""
        old.refresh_token("a token", web, user)
        command("--apply")
        authorization = Authorization.objects.get()
        assert authorization.auth_time == web.created
        assert (authorization.acr, authorization.amr) == ("", [])

    def test_plain_tokens_are_never_read(self, old, web, user, command):
        old.refresh_token("the plain token", web, user)
        with CaptureQueriesContext(connection) as queries:
            command("--apply")
        statements = " ".join(one["sql"] for one in queries.captured_queries)
        assert "the plain token" not in statements
        assert not [one for one in queries.captured_queries if '"token"' in one["sql"]]
        assert bytes(RefreshToken.objects.get().token_digest) == digest("the plain token")


class TestUsers:
    def tokens_of(self, old, web, *users):
        for user in users:
            old.refresh_token(f"of {user.key}", web, user)

    @pytest.mark.parametrize(("there", "here"), [("Alice@X.test", "alice@x.test"), ("alice@x.test", "Alice@X.test")])
    def test_the_address_matches_in_any_letter_case(self, old, web, alice, command, there, here):
        with connection.cursor() as cursor:
            cursor.execute(f'UPDATE "{alice._meta.db_table}" SET email = %s WHERE id = %s', [here, alice.pk])
        self.tokens_of(old, web, old.user(there))
        command("--apply")
        assert Authorization.objects.get().user == alice

    @pytest.mark.parametrize(
        "others", [["alice@example.test"], ["ALICE@example.test"]], ids=["the same", "in capitals"]
    )
    def test_an_address_of_two_users_names_nobody(self, old, web, alice, command, others):
        """Either user may have entered the address of somebody else."""
        users = [old.user(email) for email in (alice.email, *others)]
        self.tokens_of(old, web, *users)
        assert command("--apply")["counts"]["refresh tokens left out: of a user who is not on this site"] == 2
        assert not Authorization.objects.exists()

    def test_a_disabled_or_unknown_user_is_left_out(self, old, web, alice, command):
        self.tokens_of(old, web, old.user(alice.email, is_active=False), old.user("new@example.test"), old.user(""))
        assert command("--apply")["counts"]["refresh tokens left out: of a user who is not on this site"] == 3

    def test_in_the_same_database_the_primary_key_is_the_user(self, source, alice):
        assert Users(source, "").here([alice.pk, uuid.uuid4(), None]) == {alice.pk: alice.pk}


class TestConsent:
    def is_asked(self, browser, application):
        answer = browser.get(authorization_url(here(application)))
        assert answer.status_code in (200, 303), answer.content
        return answer.status_code == 200

    def test_what_a_user_allowed_is_not_asked_again(self, old, web, user, browser, command, token_endpoint):
        old.refresh_token("a token", web, user)
        assert command("--apply")["counts"]["consents remembered"] == 1
        assert not self.is_asked(browser, web)
        # The first use of the secret only changes how it is stored; it does not count as a change of the client.
        assert refresh(token_endpoint, web, "a token").status_code == 200
        assert not self.is_asked(browser, web)

    def test_more_scopes_are_asked_for(self, old, web, user, browser, command):
        old.refresh_token("a token", web, user)
        command("--apply", "--all-scopes")
        page = browser.get(authorization_url(here(web), scope="accounts:read transfers:write"))
        assert page.status_code == 200

    @pytest.mark.parametrize(
        "fields",
        [
            {"skip_authorization": True},
            {"client_type": "public"},
            {"authorization_grant_type": "openid-hybrid"},
            {"redirect_uris": "https://app.example/callback https://other.example/callback"},
        ],
        ids=["no page was shown", "a public client", "another flow", "answers to several hosts"],
    )
    def test_it_is_remembered_only_where_that_is_safe(self, old, user, browser, command, fields):
        application = old.application(**fields)
        old.refresh_token("a token", application, user)
        command("--apply")
        assert Authorization.objects.count() == 1
        assert not RememberedConsent.objects.exists()
        assert self.is_asked(browser, application)

    def test_users_are_asked_if_the_operator_wants_it(self, old, web, user, browser, command):
        old.refresh_token("a token", web, user)
        command("--apply", "--no-consent")
        assert self.is_asked(browser, web)

    def test_a_changed_client_is_asked_about_again(self, old, web, user, browser, command):
        old.refresh_token("a token", web, user)
        command("--apply")
        client = here(web)
        client.name = "Another name"
        client.save()
        assert self.is_asked(browser, web)


class TestAccessTokens:
    @pytest.fixture
    def token(self, old, web, user, command):
        access = old.access_token("an-old-access-token", web, user)
        old.refresh_token("its refresh token", web, user, access_token=access)
        command("--apply")
        return "an-old-access-token"

    def test_it_is_active_until_it_expires(self, web, token, alice):
        answer = introspect(web, token)
        assert answer["active"]
        assert (answer["client_id"], answer["sub"], answer["scope"]) == (web.client_id, str(alice.pk), "accounts:read")
        assert answer["aud"] == conf.audiences[0]
        with time_machine.travel(timezone.now() + timedelta(hours=9, minutes=1)):
            assert introspect(web, token) == {"active": False}

    def test_it_belongs_to_the_authorization_of_its_refresh_token(self, web, token, token_endpoint):
        assert Authorization.objects.count() == 1
        assert post("/oauth/revoke", web, token=token).status_code == 200
        assert introspect(web, token) == {"active": False}
        assert refresh(token_endpoint, web, "its refresh token").json()["error"] == "invalid_grant"

    def test_it_ends_with_what_the_user_removes(self, web, token, browser):
        page = browser.get("/oauth/apps")
        assert "Old app" in BeautifulSoup(page.content, "html.parser").get_text()
        browser.post("/oauth/apps", urlencode({"client_id": web.client_id}),
                     content_type="application/x-www-form-urlencoded")  # fmt: skip
        assert introspect(web, token) == {"active": False}

    @pytest.mark.parametrize("what", ["client", "user"])
    def test_it_ends_with_its_client_and_its_user(self, old, web, token, alice, what, settings):
        row = {"client": here(web), "user": alice}[what]
        row.is_active = False
        row.save()
        if what == "user":  # a disabled client cannot send requests
            assert introspect(web, token) == {"active": False}
        assert imported_access_tokens.find_live(token) is None

    def test_another_client_does_not_see_it(self, old, command, token, web):
        other = old.application(client_id="another-client", hash_client_secret=False, client_secret=SECRET)
        Client.objects.create(
            client_id=other.client_id, name="Other", client_type="confidential", kind="web",
            secret_digest=digest(SECRET),
        )  # fmt: skip
        body = urlencode({"token": token})
        basic = base64.b64encode(f"{other.client_id}:{SECRET}".encode()).decode()
        answer = Browser().post("/oauth/introspect", body, content_type="application/x-www-form-urlencoded",
                                headers={"Authorization": f"Basic {basic}"})  # fmt: skip
        assert answer.json() == {"active": False}

    def test_our_api_refuses_it_unless_the_site_accepts_it(self, token, api):
        assert api(token).get("/api/v1/accounts").status_code == 401

    def test_our_api_accepts_it_while_it_is_live(self, token, api, settings):
        settings.OAUTH = {**settings.OAUTH, "OPAQUE_TOKENS": "oauth.status.imported_access_tokens.find_live"}
        assert api(token).get("/api/v1/accounts").status_code == 200
        assert api("no-such-token").get("/api/v1/accounts").status_code == 401
        # It has the same scopes as before, and no more.
        assert api(token).get("/api/v1/transfers").status_code == 403
        Authorization.objects.get().revoke(Authorization.RevocationReason.USER)
        assert api(token).get("/api/v1/accounts").status_code == 401

    def test_it_covers_no_account_that_the_user_has_taken_from_the_app(self, token, browser, alice, api, settings):
        """ASVS 10.7.3."""
        settings.OAUTH = {**settings.OAUTH, "OPAQUE_TOKENS": "oauth.status.imported_access_tokens.find_live"}
        kept, taken = (open_account(alice, name=name, currency="GBP") for name in ("Everyday", "Savings"))
        seen = {row["id"] for row in api(token).get("/api/v1/accounts").json()["data"]}
        assert seen == {str(kept.pk), str(taken.pk)}
        page, body = f"/oauth/apps/{Authorization.objects.get().pk}/0", {"choice-0": str(kept.pk), "decision": "save"}
        browser.post(page, urlencode(body), content_type="application/x-www-form-urlencoded")
        assert [row["id"] for row in api(token).get("/api/v1/accounts").json()["data"]] == [str(kept.pk)]
        Authorization.objects.update(scopes=["openid"])
        assert api(token).get("/api/v1/accounts").status_code == 403

    def test_it_is_refused_by_an_api_that_it_is_not_for(self, token, api, settings):
        settings.OAUTH = {**settings.OAUTH, "OPAQUE_TOKENS": "oauth.status.imported_access_tokens.find_live"}
        ImportedAccessToken.objects.update(resources=["https://other.example/api"])
        assert api(token).get("/api/v1/accounts").status_code == 401

    def test_an_access_token_without_a_refresh_token_is_an_authorization_that_ends_with_it(
        self, old, web, user, command, browser
    ):
        access = old.access_token("alone", web, user)
        command("--apply")
        assert introspect(web, "alone")["active"]
        assert Authorization.objects.get().expires_at == access.expires
        assert "Old app" in BeautifulSoup(browser.get("/oauth/apps").content, "html.parser").get_text()

    def test_a_clients_own_token_has_no_user_and_can_be_revoked(self, old, command):
        service = old.application(authorization_grant_type="client-credentials", redirect_uris="")
        old.access_token("of the service", service)
        command("--apply")
        answer = introspect(service, "of the service")
        assert (answer["active"], answer["sub"]) == (True, service.client_id)
        assert post("/oauth/revoke", service, token="of the service").status_code == 200
        assert introspect(service, "of the service") == {"active": False}

    def test_a_token_of_this_server_is_not_looked_up_among_them(self, issued, web_app):
        tokens = issued(web_app)
        with CaptureQueriesContext(connection) as queries:
            for token in (tokens["access_token"], tokens["refresh_token"]):
                body = urlencode({"client_id": web_app.client_id, "token": token})
                basic = base64.b64encode(f"{web_app.client_id}:{web_app.secret}".encode()).decode()
                answer = Browser().post("/oauth/introspect", body, content_type="application/x-www-form-urlencoded",
                                        headers={"Authorization": f"Basic {basic}"})  # fmt: skip
                assert answer.json()["active"]
        assert not [one for one in queries.captured_queries if "importedaccesstoken" in one["sql"]]


class TestScopesAndResources:
    def test_a_scope_without_a_mapping_stops_the_import(self, old, web, user, command):
        old.refresh_token("a token", web, user, access_token=old.access_token("a", web, user, scope="read secrets"))
        report = command()
        assert report["unmapped_scopes"] == {"secrets": 2}
        assert report["blocked_by"]
        with pytest.raises(CommandError, match="secrets"):
            command("--apply")
        assert not Client.objects.exists()

    def test_it_is_dropped_if_the_operator_says_so(self, old, web, user, command, token_endpoint):
        old.refresh_token("a token", web, user, access_token=old.access_token("a", web, user, scope="read secrets"))
        old.refresh_token("nothing left", web, user, access_token=old.access_token("b", web, user, scope="secrets"))
        report = command("--apply", "--unmapped-scopes", "drop")
        assert report["unmapped_scopes"] == {"secrets": 4}
        assert report["counts"]["refresh tokens left out: without a scope that exists on this site"] == 1
        assert refresh(token_endpoint, web, "a token").json()["scope"] == "accounts:read"

    def test_a_token_for_an_api_that_is_not_here_is_left_out(self, old, web, user, command):
        access = old.access_token("a", web, user, resource=["https://elsewhere.example/"])
        old.refresh_token("a token", web, user, access_token=access)
        counts = command("--apply")["counts"]
        assert counts["refresh tokens left out: without an API that exists on this site"] == 1
        assert not Authorization.objects.exists()

    @pytest.mark.parametrize(
        "content",
        ['{"scopes": {"read": ["no:such"]}}', '{"scopes": {"read": "accounts:read"}}', '{"scope": {}}', "{", "[]",
         '{"resources": {"https://x.example/": ["https://y.example/"]}}'],
    )  # fmt: skip
    def test_a_wrong_mapping_is_refused(self, source, tmp_path, content):
        file = tmp_path / "wrong.json"
        file.write_text(content)
        with pytest.raises(ImportRefused, match="mapping"):
            mapping.read(str(file))

    def test_a_mapping_in_toml(self, source, tmp_path):
        file = tmp_path / "scopes.toml"
        file.write_text('[scopes]\nread = ["accounts:read", "balances:read"]\n"old.scope" = []\n')
        read = mapping.read(str(file))
        assert read.new_scopes(["read", "old.scope"]) == ["accounts:read", "balances:read"]
        assert read.unmapped(["read", "old.scope", "x"]) == ["x"]


def test_the_report_is_json_and_text(old, web, user, command, capsys, source, mapping_file):
    old.application(authorization_grant_type="implicit", name="Legacy\u202ename")
    old.refresh_token("a token", web, user)
    assert json.dumps(command())
    call_command("import_from_dot", "--schema", "dot", "--match-users", "email", "--mapping", mapping_file)
    text = capsys.readouterr().out
    assert "Dry run: nothing was written." in text
    assert "refresh tokens adopted" in text
    assert "The implicit flow is unsafe" in text
    assert "\u202e" not in text


class TestOldAddresses:
    """Unchanged clients send the names of DOT's scopes to the URLs of DOT."""

    pytestmark = pytest.mark.urls("tests.dot_project.moved_urls")

    @pytest.fixture
    def send(self, old, web, user, command):
        old.refresh_token("the-old-one", web, user)
        command("--apply", "--all-scopes")

        def refresh(path: str, scope: str) -> Any:
            return post(path, web, grant_type="refresh_token", refresh_token="the-old-one", scope=scope).json()

        return refresh

    def test_an_old_scope_means_what_the_mapping_says(self, send):
        assert send("/o/token/", "read")["scope"] == "accounts:read"
        assert send("/o/token/", "accounts:read")["scope"] == "accounts:read"

    def test_it_means_nothing_at_our_own_address(self, send):
        assert send("/oauth/token", "read")["error"] == "invalid_scope"

    @pytest.mark.parametrize("scope", ["write", "read write", "unknown", "legacy"])
    def test_no_name_gives_more_than_the_token_has(self, send, scope):
        DotImport.objects.update(scopes={"read": ["accounts:read"], "write": ["transfers:write"], "legacy": []})
        assert send("/o/token/", scope)["error"] == "invalid_scope"

    def test_an_authorization_request_is_sent_to_our_page(self, send):
        answer = Browser().get("/o/authorize/?client_id=a%26b&scope=read+openid&state=x")
        assert answer["Location"] == "/oauth/authorize?client_id=a%26b&scope=accounts%3Aread+openid&state=x"
