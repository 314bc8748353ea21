"""Log-in through somebody else's OpenID Connect provider, which may lie."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from tests.lib.login import is_logged_in, log_in, path_in, submit
from tests.lib.oauth_client import PASSWORD, allow, decoded

pytestmark = pytest.mark.django_db
LOGIN, CALLBACK = "/accounts/oidc/acme/login/", "/accounts/oidc/acme/login/callback/"


class Provider:
    """Answers whatever it is asked by one document: discovery, tokens and UserInfo at once."""

    def __init__(self, listener, app):
        self.listener, self.app, self.issuer = listener, app, listener.url("")
        self.says(sub="their-alice")

    def says(self, *, sub, userinfo_sub=None, id_token=True, **claims):
        now = int(timezone.now().timestamp())
        token = {"iss": self.issuer, "sub": sub, "aud": "countersign", "iat": now, "exp": now + 60, **claims}
        self.listener.body = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "access_token": "opaque",
            "token_type": "Bearer",
            **({"id_token": jwt.encode(token, "k" * 32, "HS256")} if id_token else {}),
            "sub": userinfo_sub or sub,
            **claims,
        }

    def visit(self, browser, **query):
        """The person goes there and comes back; the answer of our callback."""
        out = browser.post(f"{LOGIN}?process={query.pop('process', 'login')}")
        assert out.status_code == 302, out.content
        asked = {name: values[0] for name, values in parse_qs(urlsplit(out["Location"]).query).items()}
        assert out["Location"].startswith(f"{self.issuer}/authorize?")
        assert asked["redirect_uri"] == settings.ISSUER + CALLBACK
        assert asked["code_challenge_method"] == "S256"
        return browser.get(CALLBACK, {"code": "c", "state": asked["state"], **query})


@pytest.fixture
def provider(db, listener):
    app = SocialApp.objects.create(
        provider="openid_connect", provider_id="acme", name="Acme ID", client_id="countersign", secret="s",
        settings={"server_url": listener.url("")},
    )  # fmt: skip
    return Provider(listener, app)


def connect(provider, browser):
    """The owner connects it on the security page, logged in."""
    assert provider.visit(browser, process="connect").status_code == 302
    return SocialAccount.objects.get()


def test_the_log_in_page_offers_it_and_the_way_out_needs_a_press(client, provider):
    """A link that logs somebody in at once would be log-in CSRF."""
    assert "Log in through" in client.get("/accounts/login/").content.decode()
    page = client.get(LOGIN)
    assert page.status_code == 200
    assert "form-action 'self' https: http://127.0.0.1" in page["Content-Security-Policy"]
    assert provider.listener.requests == 0


def test_a_connected_account_logs_in_by_issuer_and_subject(browser, alice, provider):
    connect(provider, browser)
    provider.says(sub="their-alice", email="another@example.test", preferred_username="bob")
    fresh = Browser()
    provider.visit(fresh)
    assert is_logged_in(fresh)
    assert User.objects.get() == alice


def test_a_name_that_changed_hands_opens_nothing(browser, alice, provider):
    """Compare allauth CVE-2025-65431: at the provider, the user name and the email now belong to another user."""
    provider.says(sub="their-alice", preferred_username="alice", email=alice.email, email_verified=True)
    connect(provider, browser)
    provider.says(sub="their-mallory", preferred_username="alice", email=alice.email, email_verified=True)
    thief = Browser()
    provider.visit(thief)
    assert not is_logged_in(thief)
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("trusted", [[], ["example.test"]])
def test_a_provider_that_claims_an_address_takes_over_nobody(alice, provider, mailoutbox, trusted):
    """Not even one whose word on that domain counts: the owner is told, and connects it or not."""
    provider.app.settings |= {"verified_email": trusted, "email_authentication": True}
    provider.app.save()
    provider.says(sub="mallory", email=alice.email, email_verified=True)
    thief = Browser()
    provider.visit(thief)
    assert not is_logged_in(thief)
    assert not SocialAccount.objects.exists()
    assert mailoutbox[-1].to == [alice.email]


def test_a_new_person_confirms_the_address_by_our_mail(client, provider, mailoutbox):
    provider.says(sub="new", name="New Person", email="new@example.test", email_verified=True)
    provider.visit(client)
    assert not is_logged_in(client)
    submit(client, path_in(mailoutbox[-1]))
    provider.visit(client)
    assert is_logged_in(client)
    assert User.objects.get().name == "New Person"


@pytest.mark.parametrize(
    ("says_verified", "is_in"), [(True, True), (False, False), ("true", True), ("false", False), ("yes", False)]
)
def test_a_domain_that_the_admin_trusts_it_with_needs_no_mail(client, provider, says_verified, is_in):
    provider.app.settings |= {"verified_email": ["example.test"]}
    provider.app.save()
    provider.says(sub="new", email="new@example.test", email_verified=says_verified)
    provider.visit(client)
    assert is_logged_in(client) is is_in


def test_who_claims_an_address_first_does_not_keep_it_from_its_owner(provider, mailoutbox):
    """Pre-hijacking: an unconfirmed account of a stranger, made upstream, with the victim's address."""
    provider.says(sub="mallory", email="victim@example.test", email_verified=True)
    thief = Browser()
    provider.visit(thief)
    assert not is_logged_in(thief)
    provider.visit(thief)
    assert not is_logged_in(thief)  # as long as nobody has pressed the link in the victim's mail


def test_another_issuer_behind_the_same_name_knows_nobody(browser, alice, provider, settings):
    """The admin points the registration elsewhere: the same `sub` there is another person."""
    connect(provider, browser)
    provider.issuer = f"http://localhost:{provider.listener.port}"
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [f"localhost:{provider.listener.port}"]}
    provider.app.settings |= {"server_url": provider.issuer}
    provider.app.save()
    provider.says(sub="their-alice", email="else@example.test")
    fresh = Browser()
    provider.visit(fresh)
    assert not is_logged_in(fresh)
    assert SocialAccount.objects.filter(user=alice).count() == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"sub": "their-alice", "userinfo_sub": "their-bob"},  # OpenID Connect Core §5.3.2
        {"sub": "their-alice", "iss": "https://evil.example"},  # §3.1.3.7
        {"sub": "their-alice", "aud": "somebody-else"},
        {"sub": "their-alice", "exp": 1},
        {"sub": "their-alice", "id_token": False},
        {"sub": ""},
    ],
)
def test_an_answer_that_does_not_hold_together_lets_nobody_in(browser, provider, lie):
    connect(provider, browser)
    provider.says(**lie)
    fresh = Browser()
    assert "did not work" in provider.visit(fresh).content.decode()
    assert not is_logged_in(fresh)


def test_a_discovery_document_of_another_issuer_is_refused(client, provider):
    """OpenID Connect Discovery §4.3."""
    provider.listener.body["issuer"] = "https://evil.example"
    answer = client.post(f"{LOGIN}?process=login")
    assert "did not work" in answer.content.decode()


@pytest.mark.parametrize("state", ["made-up", ""])
def test_an_answer_that_nobody_asked_for_logs_nobody_in(client, browser, provider, state):
    """Log-in CSRF: the victim's browser is sent to the callback with the attacker's code."""
    connect(provider, browser)
    answer = client.get(CALLBACK, {"code": "c", "state": state})
    assert "did not work" in answer.content.decode()
    assert not is_logged_in(client)


def test_connecting_needs_a_recent_proof(alice, provider):
    browser = Browser()
    log_in(browser, alice.email)
    with time_machine.travel(timezone.now() + timedelta(minutes=30)):
        provider.says(sub="their-alice")
        answer = provider.visit(browser, process="connect")
        assert answer["Location"].startswith("/accounts/reauthenticate/")
        assert not SocialAccount.objects.exists()


def test_we_ask_no_private_address(client, provider, settings):
    """OWASP API7: what the admin registered is still no way into our network."""
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": []}
    provider.app.settings |= {"server_url": "https://127.0.0.1"}
    provider.app.save()
    assert "did not work" in client.post(f"{LOGIN}?process=login").content.decode()
    assert provider.listener.requests == 0


def test_an_unknown_provider_is_not_found(client):
    assert client.get("/accounts/oidc/nobody/login/").status_code == 404


def test_the_admin_registers_one_and_never_shows_its_secret(provider):
    admin = Browser()
    admin.force_login(User.objects.create_superuser("admin@example.test", PASSWORD))
    form = {
        "name": "Work",
        "provider_id": "work",
        "server_url": provider.issuer + "/",
        "client_id": "c",
        "token_auth_method": "client_secret_post",
    }
    url = "/admin/socialaccount/socialapp/add/"
    assert admin.post(url, {**form, "secret": "a-secret", "trusted_domains": "Example.com b.test"}).status_code == 302
    app = SocialApp.objects.get(provider_id="work")
    assert app.settings == {
        "server_url": provider.issuer, "token_auth_method": "client_secret_post",
        "verified_email": ["example.com", "b.test"],
    }  # fmt: skip
    page = f"/admin/socialaccount/socialapp/{app.pk}/change/"
    assert b"a-secret" not in admin.get(page).content
    admin.post(page, {**form, "secret": "", "trusted_domains": ""})
    app.refresh_from_db()
    assert app.secret == "a-secret"
    for bad in ({"server_url": "http://10.0.0.1"}, {"provider_id": "acme"}):
        assert admin.post(url, {**form, "provider_id": "other", **bad}).status_code == 200


def test_what_upstream_asked_of_the_person_is_not_believed(browser, alice, provider, web_app, token_endpoint):
    """acr and amr say only what we saw."""
    connect(provider, browser)
    provider.says(sub="their-alice", acr="urn:countersign:acr:mfa", amr=["mfa"])
    fresh = Browser()
    provider.visit(fresh)
    token = token_endpoint.redeem(web_app, allow(fresh, web_app, scope="openid")).json()["access_token"]
    assert (decoded(token)["acr"], decoded(token)["amr"]) == ("urn:countersign:acr:pwd", ["fed"])


@pytest.mark.parametrize(
    ("sub", "asked_ago", "counts"), [("their-alice", 5, True), ("their-alice", 3600, False), ("mallory", 5, False)]
)
def test_who_logs_in_nowhere_else_proves_it_there(browser, alice, provider, sub, asked_ago, counts):
    """ASVS 5.0 7.5.1: a silent single sign-on there is no proof, nor is somebody else's."""
    connect(provider, browser)
    alice.set_unusable_password()
    alice.save()
    fresh = Browser()
    provider.visit(fresh)
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        for page in ("/accounts/data/", "/accounts/2fa/webauthn/add/", "/accounts/password/set/"):
            assert fresh.get(page)["Location"].startswith("/accounts/reauthenticate/")
        way = fresh.get("/accounts/reauthenticate/?next=/accounts/data/")["Location"]
        assert way.startswith(LOGIN)
        assert "max_age" in way
        provider.says(sub=sub, auth_time=int(timezone.now().timestamp()) - asked_ago)
        out = fresh.post(way)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(out["Location"]).query).items()}
        assert asked["prompt"] == "login"
        back = fresh.get(CALLBACK, {"code": "c", "state": asked["state"]})
        assert back["Location"] == "/accounts/data/"
        assert (fresh.get("/accounts/data/").status_code == 200) is counts


# --- what a link to our login page may ask of the provider


def asked_of(provider, client, query):
    out = client.post(f"{LOGIN}?{query}")
    return parse_qs(urlsplit(out["Location"]).query)


def test_a_link_asks_the_provider_for_a_prompt_and_an_age_only(client, provider):
    """B11: the link is anybody's; OpenID Connect Core §3.1.2.1."""
    plain = asked_of(provider, client, "process=login")
    evil = (
        "process=login&scope=admin&auth_params=prompt%3Dlogin%26max_age%3D0%26redirect_uri%3Dhttps%3A%2F%2Fevil.example"
        "%26response_mode%3Dfragment%26login_hint%3Dvictim%26request%3Dx%26client_id%3Devil%26scope%3Dadmin%26state%3Dx"
    )
    asked = asked_of(provider, client, evil)
    assert asked.pop("prompt") == ["login"]
    assert asked.pop("max_age") == ["0"]
    fresh = {"state", "code_challenge", "nonce"}
    assert {name: asked[name] for name in asked.keys() - fresh} == {name: plain[name] for name in plain.keys() - fresh}
    assert len(asked["state"]) == len(asked["scope"]) == 1


@pytest.mark.parametrize(
    "params", ["prompt%3Dnone", "prompt%3Dlogin%20x", "max_age%3D-1", "max_age%3D1e9", "max_age%3D"]
)
def test_a_link_asks_the_provider_for_no_odd_value(client, provider, params):
    asked = asked_of(provider, client, f"process=login&auth_params={params}")
    assert not asked.keys() & {"prompt", "max_age"}
