"""Login through another OpenID Connect provider, which may lie."""

import base64
import hashlib
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
from tests.lib.client_keys import ClientKey
from tests.lib.login import is_logged_in, log_in, path_in, submit
from tests.lib.oauth_client import PASSWORD, allow, decoded

pytestmark = pytest.mark.django_db
LOGIN, CALLBACK = "/accounts/oidc/acme/login/", "/accounts/oidc/acme/login/callback/"


class Provider:
    """Answers every request with one document, which is discovery, tokens and UserInfo at the same time."""

    def __init__(self, listener, app):
        self.listener, self.app, self.issuer = listener, app, listener.url("")
        self.key = ClientKey("ES256", kid="1")
        self.says(sub="their-alice")

    def says(self, *, sub, userinfo_sub=None, id_token=True, without=(), signed=None, **claims):
        """Sets the ID token: `claims` replace those of a valid one, `without` leaves some out, and `signed` signs it in
        another way.
        """
        now = int(timezone.now().timestamp())
        self.claims = {"iss": self.issuer, "sub": sub, "aud": "countersign", "iat": now, "exp": now + 60, **claims}
        self.without, self.sign = without, signed or self.signed
        self.listener.body = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "keys": [self.key.public],
            "access_token": "opaque",
            "token_type": "Bearer",
            **({"id_token": ""} if id_token else {}),
            **claims,
            "sub": userinfo_sub or sub,
        }

    def signed(self, claims):
        return jwt.encode(claims, self.key.private_key, "ES256", {"kid": "1"})

    def answer(self, asked):
        """Makes the ID token an answer to this request."""
        if "id_token" in self.listener.body:
            claims = {"nonce": asked["nonce"], **self.claims}
            token = self.sign({name: value for name, value in claims.items() if name not in self.without})
            self.listener.body["id_token"] = token

    def visit(self, browser, **query):
        """The user goes to the provider and comes back. Returns the response of our callback."""
        out = browser.post(f"{LOGIN}?process={query.pop('process', 'login')}")
        assert out.status_code == 302, out.content
        asked = {name: values[0] for name, values in parse_qs(urlsplit(out["Location"]).query).items()}
        assert out["Location"].startswith(f"{self.issuer}/authorize?")
        assert asked["redirect_uri"] == settings.ISSUER + CALLBACK
        self.answer(asked)
        return browser.get(CALLBACK, {"code": "c", "state": asked["state"], **query})

    def asked_for(self):
        """The paths of the requests since the last call, without the key set and the discovery document."""
        received, self.listener.received[:] = list(self.listener.received), []
        return [path for _, path, _ in received if not path.startswith(("/.well-known/", "/jwks"))]


@pytest.fixture
def provider(db, listener):
    app = SocialApp.objects.create(
        provider="openid_connect", provider_id="acme", name="Acme ID", client_id="countersign", secret="s",
        settings={"server_url": listener.url("")},
    )  # fmt: skip
    return Provider(listener, app)


def connect(provider, browser):
    """The logged-in user connects the provider on the security page."""
    assert provider.visit(browser, process="connect").status_code == 302
    return SocialAccount.objects.get()


def test_the_log_in_page_offers_it_and_the_way_out_needs_a_press(client, provider):
    """A link that logs somebody in without a press of a button would allow login CSRF."""
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
    """This is true even for a provider that is trusted for the domain. The owner gets an email, and decides whether to
    connect the provider.
    """
    provider.app.settings |= {"verified_email": trusted, "email_authentication": True}
    provider.app.save()
    provider.says(sub="mallory", email=alice.email, email_verified=True)
    thief = Browser()
    provider.visit(thief)
    assert not is_logged_in(thief)
    assert not SocialAccount.objects.exists()
    assert mailoutbox[-1].to == [alice.email]


def test_a_new_user_confirms_the_address_by_our_mail(client, provider, mailoutbox):
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


def test_an_unverified_address_from_a_provider_does_not_block_its_owner(provider, mailoutbox):
    """Pre-hijacking: an unconfirmed account of a stranger, made upstream, with the victim's address."""
    provider.says(sub="mallory", email="victim@example.test", email_verified=True)
    thief = Browser()
    provider.visit(thief)
    assert not is_logged_in(thief)
    provider.visit(thief)
    assert not is_logged_in(thief)  # as long as nobody has pressed the link in the victim's mail


def test_after_a_change_of_the_issuer_the_same_sub_is_another_user(browser, alice, provider, settings):
    """An admin changes the issuer of the registration: at the new issuer, the same `sub` is another user."""
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


def assert_refused(provider, browser):
    """Asserts that nobody is logged in and that the access token was sent nowhere."""
    provider.asked_for()
    assert "did not work" in provider.visit(browser).content.decode()
    assert not is_logged_in(browser)
    assert provider.asked_for() == ["/token"]


# --- the ID token is validated before UserInfo is asked (OpenID Connect Core §3.1.3.7)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": []},
        {"exp": 1},
        {"exp": "tomorrow"},
        {"iat": 9_999_999_999},
        {"nbf": 9_999_999_999},
        {"sub": ""},
        {"sub": 7},
        {"without": ["iss"]},
        {"without": ["sub"]},
        {"without": ["aud"]},
        {"without": ["exp"]},
        {"without": ["iat"]},
        {"id_token": False},
    ],
)
def test_an_id_token_that_is_not_valid_lets_nobody_in(browser, provider, claims):
    """OpenID Connect Core §3.1.3.7, ASVS 5.0 10.5.1."""
    connect(provider, browser)
    provider.says(**{"sub": "their-alice", **claims})
    assert_refused(provider, Browser())


@pytest.mark.parametrize("claims", [{"nonce": "of-another-request"}, {"nonce": ""}, {"without": ["nonce"]}])
def test_an_id_token_must_answer_this_request(browser, provider, claims):
    """OpenID Connect Core §3.1.3.7 (11), ASVS 5.0 10.5.1: another login's code, injected into this browser."""
    connect(provider, browser)
    provider.says(sub="their-alice", **claims)
    assert_refused(provider, Browser())


@pytest.mark.parametrize(
    ("claims", "is_in"),
    [
        ({"aud": ["countersign"]}, True),
        ({"aud": ["countersign", "other"], "azp": "countersign"}, True),
        ({"aud": ["countersign", "other"]}, False),
        ({"aud": ["countersign", "other"], "azp": "other"}, False),
        ({"aud": "countersign", "azp": "other"}, False),
    ],
)
def test_an_id_token_of_another_client_lets_nobody_in(browser, provider, claims, is_in):
    """OpenID Connect Core §3.1.3.7 (3) to (5)."""
    connect(provider, browser)
    provider.says(sub="their-alice", **claims)
    fresh = Browser()
    provider.visit(fresh)
    assert is_logged_in(fresh) is is_in


@pytest.mark.parametrize(
    "signed",
    [
        lambda claims: jwt.encode(claims, None, "none"),
        lambda claims: jwt.encode(claims, "s" * 32, "HS256", {"kid": "1"}),
        lambda claims: jwt.encode(claims, ClientKey("ES256").private_key, "ES256", {"kid": "1"}),
        lambda claims: jwt.encode(claims, ClientKey("RS256").private_key, "RS256", {"kid": "1"}),
        lambda claims: "not.a.jwt",
        lambda claims: {"sub": "their-alice"},
    ],
    ids=["none", "HS256", "another key", "another algorithm", "no JWT", "an object"],
)
def test_an_id_token_must_be_signed_by_a_key_of_the_provider(browser, provider, signed):
    """OpenID Connect Core §3.1.3.7 (6) to (8), RFC 8725 §3.1."""
    connect(provider, browser)
    provider.app.secret = "s" * 32
    provider.app.save()
    provider.says(sub="their-alice", signed=signed)
    del provider.listener.body["keys"][0]["alg"]  # many providers publish their keys like this
    assert_refused(provider, Browser())


@pytest.mark.parametrize("kid", ["1", "2", None])
def test_a_key_is_found_by_kid_or_by_trying_each(browser, provider, kid):
    """OpenID Connect Core §10.1."""
    connect(provider, browser)
    headers = {"kid": kid} if kid else None
    provider.says(
        sub="their-alice", signed=lambda claims: jwt.encode(claims, provider.key.private_key, "ES256", headers)
    )
    provider.listener.body["keys"].insert(0, ClientKey("ES256", kid="2").public)
    provider.listener.body["keys"].insert(0, {"kty": "unknown", "kid": kid})
    fresh = Browser()
    provider.visit(fresh)
    assert is_logged_in(fresh) is (kid != "2")


@pytest.mark.parametrize("keys", [[], None, "keys"])
def test_a_provider_without_keys_lets_nobody_in(browser, provider, keys):
    connect(provider, browser)
    provider.says(sub="their-alice")
    provider.listener.body["keys"] = keys
    assert_refused(provider, Browser())


def test_user_info_about_another_subject_lets_nobody_in(browser, provider):
    """OpenID Connect Core §5.3.2."""
    connect(provider, browser)
    provider.says(sub="their-alice", userinfo_sub="their-bob")
    fresh = Browser()
    assert "did not work" in provider.visit(fresh).content.decode()
    assert not is_logged_in(fresh)


def hash_of(access_token):
    return base64.urlsafe_b64encode(hashlib.sha256(access_token).digest()[:16]).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("at_hash", "is_in"),
    [(hash_of(b"opaque"), True), (hash_of(b"of-another-login"), False), ("", False), (None, False), (7, False)],
)
def test_the_access_token_is_the_one_of_the_id_token(browser, provider, at_hash, is_in):
    """OpenID Connect Core §3.1.3.8: `at_hash` may be missing, as in the other tests, but must not be wrong."""
    connect(provider, browser)
    provider.says(sub="their-alice", at_hash=at_hash)
    if not is_in:
        return assert_refused(provider, Browser())
    fresh = Browser()
    provider.visit(fresh)
    assert is_logged_in(fresh)


def test_an_access_token_that_has_no_hash_lets_nobody_in(browser, provider):
    connect(provider, browser)
    provider.says(sub="their-alice", at_hash=hash_of(b"opaque"))
    provider.listener.body["access_token"] = "täuschend"
    assert_refused(provider, Browser())


@pytest.mark.parametrize(
    ("is_promised", "named", "is_in"),
    [(False, [], True), (False, ["{issuer}"], True), (True, ["{issuer}"], True), (True, [], False), ("yes", [], True),
     (True, ["https://evil.example"], False), (False, ["https://evil.example"], False), (False, [""], False),
     (True, ["{issuer}/"], False), (True, ["{issuer}", "https://evil.example"], False)],
)  # fmt: skip
def test_a_code_goes_only_to_the_provider_that_answered(browser, provider, is_promised, named, is_in):
    """RFC 9207 §2.4, RFC 9700 §4.4 (mix-up): no provider gets a code that another one issued."""
    connect(provider, browser)
    provider.says(sub="their-alice")
    provider.listener.body["authorization_response_iss_parameter_supported"] = is_promised
    provider.asked_for()
    fresh = Browser()
    provider.visit(fresh, iss=[one.format(issuer=provider.issuer) for one in named])
    assert is_logged_in(fresh) is is_in
    assert provider.asked_for() == (["/token", "/userinfo"] if is_in else [])


def test_user_info_is_asked_after_the_id_token_was_validated(browser, provider):
    connect(provider, browser)
    provider.asked_for()
    provider.visit(Browser())
    assert provider.asked_for() == ["/token", "/userinfo"]


def test_a_request_has_pkce_and_a_nonce_of_its_own(client, provider):
    """RFC 9700 §2.1.1, OpenID Connect Core §3.1.2.1. A setting of the provider cannot turn PKCE off."""
    provider.app.settings |= {"oauth_pkce_enabled": False}
    provider.app.save()
    first, second = (asked_of(provider, client, "process=login") for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert first["nonce"] != second["nonce"]
    assert first["code_challenge"] != second["code_challenge"]
    assert first["nonce"] != first["code_challenge"]


def test_the_code_is_redeemed_with_the_verifier(browser, provider):
    """RFC 7636 §4.5: it hashes to the challenge of the request."""
    out = browser.post(f"{LOGIN}?process=login")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(out["Location"]).query).items()}
    provider.answer(asked)
    browser.get(CALLBACK, {"code": "c", "state": asked["state"]})
    form = next(parse_qs(body.decode()) for _, path, body in provider.listener.received if path == "/token")
    digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": None},
        {"access_token": 7},
        {"token_endpoint": None},
        {"jwks_uri": 7},
        {"userinfo_endpoint": "nowhere"},
    ],
)
def test_a_malformed_answer_is_no_error_of_ours(browser, provider, body):
    provider.listener.body |= body
    answer = browser.post(f"{LOGIN}?process=login")
    if answer.status_code == 302:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
        provider.answer(asked)
        answer = browser.get(CALLBACK, {"code": "c", "state": asked["state"]})
    assert "did not work" in answer.content.decode()


def test_an_answer_that_is_no_object_is_no_error_of_ours(client, provider):
    provider.listener.body = ["a list"]
    assert "did not work" in client.post(f"{LOGIN}?process=login").content.decode()


def signed_user_info(provider, *, sign=None, kind="application/jwt", **claims):
    told = {"iss": provider.issuer, "aud": "countersign", "sub": "their-alice", **claims}
    token = (sign or provider.signed)({name: value for name, value in told.items() if value is not None})
    provider.listener.others["/userinfo"] = kind, token.encode()


@pytest.mark.parametrize("kind", ["application/jwt", "application/JWT; charset=utf-8"])
def test_signed_user_info_is_verified_and_read(kind, provider):
    """OpenID Connect Core §5.3.2."""
    provider.app.settings |= {"verified_email": ["example.com"]}
    provider.app.save()
    signed_user_info(provider, kind=kind, email="alice@example.com", email_verified=True, name="Alice")
    fresh = Browser()
    provider.visit(fresh)
    assert is_logged_in(fresh)
    assert User.objects.get().email == "alice@example.com"


STRANGER = ClientKey("ES256", kid="1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"sub": "their-mallory"},
        {"sub": None},
        {"exp": 1},
        {"sign": lambda claims: jwt.encode(claims, STRANGER.private_key, "ES256", {"kid": "1"})},
        {"sign": lambda claims: jwt.encode(claims, None, "none")},
        {"sign": lambda claims: jwt.encode(claims, "s" * 32, "HS256")},
        {"sign": lambda claims: "no.jwt"},
    ],
    ids=lambda wrong: "-".join(f"{name} {value if name != 'sign' else ''}".strip() for name, value in wrong.items()),
)
def test_signed_user_info_that_is_not_valid_lets_nobody_in(wrong, browser, alice, provider):
    """OpenID Connect Core §5.3.2, RFC 8725 §3.1."""
    connect(provider, browser)
    signed_user_info(provider, **wrong)
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
    """Login CSRF: an attacker sends the victim's browser to the callback with the attacker's code."""
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
    """OWASP API7: even a provider that an admin registered must not lead into our network."""
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


def test_what_upstream_asked_of_the_user_is_not_believed(browser, alice, provider, web_app, token_endpoint):
    """acr and amr state only what this site has verified itself."""
    connect(provider, browser)
    provider.says(sub="their-alice", acr="urn:countersign:acr:mfa", amr=["mfa"])
    fresh = Browser()
    provider.visit(fresh)
    token = token_endpoint.redeem(web_app, allow(fresh, web_app, scope="openid")).json()["access_token"]
    assert (decoded(token)["acr"], decoded(token)["amr"]) == ("urn:countersign:acr:pwd", ["fed"])


@pytest.mark.parametrize(
    ("sub", "asked_ago", "counts"), [("their-alice", 5, True), ("their-alice", 3600, False), ("mallory", 5, False)]
)
def test_a_user_who_logs_in_only_at_a_provider_reauthenticates_there(browser, alice, provider, sub, asked_ago, counts):
    """ASVS 5.0 7.5.1: neither a silent single sign-on at the provider nor the login of another user there is a
    proof.
    """
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
        provider.answer(asked)
        back = fresh.get(CALLBACK, {"code": "c", "state": asked["state"]})
        assert back["Location"] == "/accounts/data/"
        assert (fresh.get("/accounts/data/").status_code == 200) is counts


# --- parameters that a link to our login page may pass on to the provider


def asked_of(provider, client, query):
    out = client.post(f"{LOGIN}?{query}")
    return parse_qs(urlsplit(out["Location"]).query)


def test_a_link_asks_the_provider_for_a_prompt_and_an_age_only(client, provider):
    """Anybody can write such a link (OpenID Connect Core §3.1.2.1)."""
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
