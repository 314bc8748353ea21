"""The limits of a registration and of its management (RFC 7591, RFC 7592)."""

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from oauth.clients import changes
from oauth.models import AuditEvent, Authorization, Client, InitialAccessToken, RememberedConsent
from tests.lib.client_keys import ClientKey
from tests.lib.oauth_client import authorization_url, callback, decide

pytestmark = pytest.mark.django_db
KEY, OTHER_KEY = ClientKey(kid="first"), ClientKey(kid="second")
WEB = {"redirect_uris": ["https://app.example/callback"], "client_name": "Registered", "scope": "openid accounts:read"}
KEYS = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.public]}}
FAPI = {**KEYS, "security_profile": "fapi2"}
CIBA = "urn:openid:params:grant-type:ciba"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
EVIL = "https://evil.example/callback"


@pytest.fixture
def token(capsys, db):
    def make(**options):
        call_command("registration_token", **options)
        return capsys.readouterr().out.splitlines()[-1]

    return make


def send(method, path, token, document=None):
    browser = Browser(raise_request_exception=False)
    return getattr(browser, method)(
        path, document, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )


def register(token, **metadata):
    return send("post", "/oauth/register", token, {**WEB, **metadata})


class Managed:
    """A registered client with its registration access token."""

    def __init__(self, body):
        self.client_id, self.token = body["client_id"], body["registration_access_token"]

    def put(self, **metadata):
        document = {**WEB, **metadata, "client_id": self.client_id}
        kept = {name: value for name, value in document.items() if value is not None}
        answer = send("put", f"/oauth/register/{self.client_id}", self.token, kept)
        if answer.status_code == 200:
            self.token = answer.json()["registration_access_token"]
        return answer

    @property
    def row(self):
        return Client.objects.get(client_id=self.client_id)


@pytest.fixture
def managed(token):
    return lambda **metadata: Managed(register(token(), **metadata).json())


def refused(answer, name):
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata"), answer.content
    assert name in answer.json()["error_description"]
    return True


# --- the limits of an initial access token


@pytest.mark.parametrize(
    ("limits", "metadata", "name"),
    [
        ({"scopes": ["openid", "accounts:read"]}, {"scope": "openid transfers:write"}, "scope"),
        ({"grant_types": ["authorization_code"]}, {"grant_types": ["authorization_code", "refresh_token"]}, "grant"),
        ({"methods": ["private_key_jwt"]}, {"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"),
        ({"profiles": ["fapi2"]}, {**FAPI, "security_profile": "oauth21"}, "security_profile"),
        ({"details_types": ["transfer"]}, {"authorization_details_types": ["account_information"]}, "details_types"),
    ],
)
def test_nothing_is_registered_beyond_the_ceiling_of_the_token(token, limits, metadata, name):
    """RFC 7591 §2, ASVS 5.0 10.4.11."""
    assert refused(register(token(**limits), **metadata), name)
    assert not Client.objects.exists()


@pytest.mark.parametrize("days", [0, -3])
def test_a_token_that_has_expired_is_not_made(token, days):
    with pytest.raises(CommandError, match="--days must be at least 1"):
        token(days=days)
    assert not InitialAccessToken.objects.exists()


def test_within_the_ceiling_all_goes_on(token):
    limits = {"scopes": ["openid", "accounts:read"], "profiles": ["fapi2"], "methods": ["private_key_jwt"]}
    body = register(token(**limits), **KEYS).json()
    assert (body["security_profile"], body["scope"]) == ("fapi2", "openid accounts:read")


@pytest.mark.parametrize("grant_type", [CIBA, EXCHANGE, "implicit"])
def test_some_grants_come_from_an_admin_only(token, managed, settings, grant_type):
    """RFC 8693 §5, CIBA §4, RFC 9700 §2.1.2."""
    settings.OAUTH = {**settings.OAUTH, "ALLOW_IMPLICIT": True}
    assert register(token(), grant_types=["authorization_code", grant_type]).status_code == 400
    client = managed()
    assert client.put(grant_types=["authorization_code", grant_type]).status_code == 400
    assert client.row.grant_types == ["authorization_code"]
    with pytest.raises(CommandError):
        token(grant_types=[grant_type])
    InitialAccessToken.objects.update(grant_types=["authorization_code", grant_type])
    everything = token()
    InitialAccessToken.objects.update(grant_types=["authorization_code", grant_type])
    assert register(everything, grant_types=["authorization_code", grant_type]).status_code == 400


def test_a_registration_without_scope_gets_the_default_scopes(token, managed):
    body = register(token(), scope="").json()
    assert body["scope"] == "openid profile email offline_access"
    narrow = register(token(scopes=["openid", "accounts:read"]), scope="").json()
    assert narrow["scope"] == "openid"
    client = managed()
    assert client.put(scope=None).json()["scope"] == "openid profile email offline_access"


def test_a_token_that_says_nothing_gives_little(token):
    """The token has no limits, like one of an earlier release."""
    old = token()
    InitialAccessToken.objects.update(
        scopes=None, grant_types=None, authentication_methods=None, security_profiles=None,
        authorization_details_types=None, allowed_resources=None,
    )  # fmt: skip
    assert refused(register(old), "scope")
    assert refused(register(old, scope="openid", grant_types=["client_credentials"]), "grant_types")
    assert register(old, scope="openid").json()["authorization_details_types"] == []


def test_details_and_resources_of_a_token_are_those_of_its_clients(token, browser):
    client = Managed(register(token(details_types=["transfer"], resources=["http://localhost:8000/api/v1"])).json())
    assert client.row.allowed_details_types == ["transfer"]
    assert client.row.allowed_resources == ["http://localhost:8000/api/v1"]
    client.put()
    assert client.row.allowed_resources == ["http://localhost:8000/api/v1"]
    details = '[{"type": "account_information", "actions": ["accounts"]}]'
    client.row.__class__.objects.update(client_type="public", token_endpoint_auth_method="none", secret_digest=None)
    answer = browser.get(authorization_url(client.row, authorization_details=details))
    assert callback(answer)["error"] == "invalid_authorization_details"


def test_an_admin_edits_the_ceiling_of_a_token(token):
    secret = token()
    row = InitialAccessToken.objects.get()
    admin = Browser()
    admin.force_login(User.objects.create_superuser("admin@example.test", "correct-horse-battery"))
    form = {"note": "A partner", "scopes": ["openid"], "grant_types": ["authorization_code"]}
    answer = admin.post(f"/admin/oauth/initialaccesstoken/{row.pk}/change/", form)
    assert answer.status_code == 302, answer.content
    row.refresh_from_db()
    assert (row.note, row.scopes, row.grant_types) == ("A partner", ["openid"], ["authorization_code"])
    assert refused(register(secret), "scope")


# --- an update


def test_an_update_that_leaves_things_out_weakens_nothing(managed):
    """A PUT without profile and method must not turn a fapi2 client into an oauth21 client with a new secret and all
    scopes.
    """
    client = managed(**FAPI, dpop_bound_access_tokens=True, require_signed_request_object=True)
    answer = client.put(scope=None, jwks={"keys": [KEY.public]})
    assert answer.status_code == 200, answer.content
    row = client.row
    assert (row.security_profile, row.token_endpoint_auth_method) == ("fapi2", "private_key_jwt")
    assert row.dpop_bound_access_tokens
    assert row.require_signed_request_object
    assert "client_secret" not in answer.json()
    assert "accounts:read" not in row.allowed_scopes


@pytest.mark.parametrize(
    ("metadata", "change", "name"),
    [
        (FAPI, {"security_profile": "oauth21"}, "security_profile"),
        ({**FAPI, "security_profile": "fapi2-message-signing"}, {"security_profile": "fapi2"}, "security_profile"),
        (KEYS, {"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({}, {"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"),
        ({"dpop_bound_access_tokens": True}, {"dpop_bound_access_tokens": False}, "dpop_bound_access_tokens"),
    ],
)
def test_an_update_cannot_weaken_a_client(managed, metadata, change, name):
    client = managed(**metadata)
    assert refused(client.put(**{**metadata, **change}), name)


def test_an_update_goes_no_further_than_the_ceiling_of_the_client(token):
    client = Managed(register(token(scopes=["openid", "accounts:read", "balances:read"])).json())
    assert client.put(scope="openid balances:read").status_code == 200
    assert refused(client.put(scope="openid transfers:write"), "scope")
    assert client.row.allowed_scopes == ["openid", "balances:read"]


def test_a_client_of_before_ceilings_keeps_to_what_it_has(managed):
    client = managed()
    Client.objects.update(registration_ceiling=None)
    assert client.put().status_code == 200
    assert refused(client.put(scope="openid transfers:write"), "scope")
    assert refused(client.put(grant_types=["authorization_code", "client_credentials"]), "grant_types")


def test_an_update_by_the_client_keeps_what_an_admin_set(managed, web_app):
    client = managed()
    row = client.row
    row.grant_types = ["authorization_code", CIBA, EXCHANGE]
    row.exchange_policy, row.allowed_scopes = "impersonation", ["openid", "accounts:read", "transfers:write"]
    row.backchannel_token_delivery_mode = "ping"
    row.backchannel_client_notification_endpoint = "https://app.example/ping"
    row.save()
    row.exchange_from.add(web_app)
    shown = send("get", f"/oauth/register/{client.client_id}", client.token).json()
    assert client.put(scope=shown["scope"], grant_types=["authorization_code"]).status_code == 200
    row = client.row
    assert set(row.grant_types) == {"authorization_code", CIBA, EXCHANGE}
    assert (row.exchange_policy, list(row.exchange_from.all())) == ("impersonation", [web_app])
    assert row.backchannel_token_delivery_mode == "ping"
    assert row.backchannel_client_notification_endpoint == "https://app.example/ping"
    assert "transfers:write" in row.allowed_scopes
    assert row.is_active


def test_an_update_by_the_client_does_not_restore_what_an_admin_removed(managed):
    client = managed(scope="openid accounts:read transfers:write")
    row = client.row
    admin = Browser()
    admin.force_login(User.objects.create_superuser("admin@example.test", "correct-horse-battery"))
    form = {
        "name": row.name, "is_active": "on", "allowed_scopes": ["openid"], "redirect_uris": row.redirect_uris,
        "grant_types": row.grant_types, "security_profile": "oauth21",
    }  # fmt: skip
    assert admin.post(f"/admin/oauth/client/{row.pk}/change/", form).status_code == 302
    assert refused(client.put(scope="openid transfers:write"), "scope")


# --- existing authorizations


@pytest.fixture
def used(managed, browser):
    """A registered client with contacts, which Alice has allowed."""
    client = managed(contacts=["ops@app.example"])
    assert "code" in callback(decide(browser, browser.get(authorization_url(client.row, scope="openid"))))
    assert browser.get(authorization_url(client.row, scope="openid")).status_code == 303
    return client


def test_a_new_redirect_uri_ends_remembered_consent_and_is_mailed(used, browser):
    User.objects.create_superuser("admin@example.test", "correct-horse-battery")
    assert used.put(redirect_uris=[*WEB["redirect_uris"], EVIL], contacts=["thief@evil.example"]).status_code == 200
    assert not RememberedConsent.objects.exists()
    for uri in (EVIL, *WEB["redirect_uris"]):
        answer = browser.get(authorization_url(used.row, scope="openid", redirect_uri=uri))
        assert answer.status_code == 200, answer["Location"]
    assert Authorization.objects.live().count() == 2
    reasons = list(AuditEvent.objects.filter(action="client_changed").values_list("reason", flat=True))
    assert "by itself: contacts, redirect_uris" in reasons
    assert "while in use: redirect_uris; new redirect hosts: evil.example" in reasons
    for job in ProcrastinateJob.objects.filter(task_name=changes.TELL):
        changes.tell(**job.args)
    assert {one.to[0] for one in mail.outbox} == {"ops@app.example", "thief@evil.example", "admin@example.test"}


@pytest.mark.parametrize(
    "change", [KEYS, {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://evil.example/jwks"}]
)
def test_new_keys_or_a_new_method_revoke_authorizations(used, change):
    """Otherwise a stolen registration access token would be enough to act as the client."""
    assert used.put(contacts=["ops@app.example"], **change).status_code == 200
    assert not Authorization.objects.live().exists()
    assert set(Authorization.objects.values_list("revocation_reason", flat=True)) == {"client_changed"}


def test_an_update_that_changes_nothing_of_it_ends_nothing(used, browser):
    assert used.put(contacts=["ops@app.example"], policy_uri="https://app.example/privacy").status_code == 200
    assert Authorization.objects.live().count() == 2
    assert browser.get(authorization_url(used.row, scope="openid")).status_code == 303


def test_a_change_is_told_before_anybody_uses_the_client(managed):
    client = managed(contacts=["ops@app.example"])
    client.put(redirect_uris=[EVIL])
    [job] = ProcrastinateJob.objects.filter(task_name=changes.TELL)
    assert job.args["contacts"] == ["ops@app.example"]
