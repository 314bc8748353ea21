"""Dynamic client registration (RFC 7591) and its management (RFC 7592)."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from oauth.endpoints import registration
from oauth.infrastructure.rate_limits import Limit
from oauth.models import Authorization, Client, InitialAccessToken, Scope
from tests.lib.client_keys import ClientKey, by
from tests.lib.oauth_client import TokenEndpoint

pytestmark = pytest.mark.django_db
WEB = {"redirect_uris": ["https://app.example/callback"], "client_name": "Registered", "scope": "openid accounts:read"}


@pytest.fixture
def initial_token(capsys, db):
    call_command("registration_token")
    return capsys.readouterr().out.splitlines()[-1]


def send(method, path, token, document=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if document is None:
        return getattr(Browser(raise_request_exception=False), method)(path, headers=headers)
    return getattr(Browser(raise_request_exception=False), method)(
        path, document, content_type="application/json", headers=headers
    )


@pytest.fixture
def register(initial_token):
    return lambda **metadata: send("post", "/oauth/register", initial_token, {**WEB, **metadata})


def management(body):
    return body["registration_client_uri"].removeprefix("http://localhost:8000"), body["registration_access_token"]


def test_a_web_app_registers_and_gets_its_secrets_once(register):
    answer = register()
    body = answer.json()
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert body["redirect_uris"] == WEB["redirect_uris"]
    assert (body["grant_types"], body["response_types"]) == (["authorization_code"], ["code"])
    assert (body["token_endpoint_auth_method"], body["client_secret_expires_at"]) == ("client_secret_basic", 0)
    client = Client.objects.get()
    assert client.secret_is(body["client_secret"])
    assert body["client_secret"] not in str(Client.objects.values())
    assert body["registration_access_token"] not in str(Client.objects.values())
    assert client.kind == "web"
    shown = send("get", *management(body)).json()
    assert "client_secret" not in shown
    assert shown["client_name"] == "Registered"


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        (
            {
                "token_endpoint_auth_method": "none",
                "application_type": "native",
                "redirect_uris": ["com.example.app:/cb"],
            },
            "mobile",
        ),
        ({"token_endpoint_auth_method": "none"}, "browser"),
        ({"grant_types": ["client_credentials"], "redirect_uris": [], "scope": "accounts:read"}, "service"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "web"),
    ],
)
def test_what_a_client_is_follows_from_its_metadata(register, metadata, kind):
    body = register(**metadata).json()
    client = Client.objects.get()
    assert client.kind == kind
    assert ("client_secret" in body) is not client.is_public


def test_a_registered_client_completes_its_flow(register, browser, token_endpoint):
    body = register(grant_types=["authorization_code", "refresh_token"]).json()
    client = Client.objects.get(client_id=body["client_id"])
    client.secret = body["client_secret"]
    from tests.lib.oauth_client import allow

    tokens = TokenEndpoint().redeem(client, allow(browser, client, scope="openid accounts:read")).json()
    assert TokenEndpoint().refresh(client, tokens["refresh_token"]).status_code == 200


def test_no_syntax_of_a_security_policy_is_registered_as_a_host(register):
    """CSP3 §2.3.1: the consent page puts the host of a redirect URI into its policy."""
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        assert register(**{field: ["https://app.example;script-src/callback"]}).status_code == 400, field
    assert not Client.objects.exists()


@pytest.mark.parametrize("token", ["", "wrong", "wrong token", "x" * 9000])
def test_nobody_registers_without_an_initial_access_token(token):
    """ASVS 5.0 10.4.7."""
    answer = send("post", "/oauth/register", token, WEB)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert not Client.objects.exists()


def test_a_request_without_a_token_is_told_which_one_it_needs(client, web_app):
    """MCP clients register themselves without a token, and show this text to their developer."""
    registration = client.post("/oauth/register", WEB, content_type="application/json")
    own = client.get(f"/oauth/register/{web_app.client_id}")
    assert (registration.status_code, own.status_code) == (401, 401)
    assert "must have the initial access token of an admin" in registration.json()["error_description"]
    assert "must have the registration access token" in own.json()["error_description"]


def test_an_initial_access_token_ends(initial_token):
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert send("post", "/oauth/register", initial_token, WEB).status_code == 401
    InitialAccessToken.objects.all().delete()
    assert send("post", "/oauth/register", initial_token, WEB).status_code == 401


@pytest.mark.parametrize(
    "uris",
    [[], ["http://app.example/cb"], ["javascript:alert(1)"], ["https://*.example/"], ["https://app.example/#x"],
     ["https://app.example/ https://evil.example/"], ["com.example.app:/cb"], [""]],
)  # fmt: skip
def test_a_wrong_redirect_uri_is_named(register, uris):
    answer = register(redirect_uris=uris)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    "metadata",
    [
        {"grant_types": ["password"]}, {"grant_types": ["implicit"]}, {"grant_types": []}, {"grant_types": "x"},
        {"response_types": ["token"]}, {"response_types": ["code", "token"]}, {"response_types": []},
        {"token_endpoint_auth_method": "client_secret_jwt"}, {"token_endpoint_auth_method": 7},
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"], "redirect_uris": []},
        {"scope": "nonsense"}, {"scope": ["openid"]}, {"client_name": 7}, {"client_name": "a\x00b"},
        {"client_name": "\ud800"}, {"client_name": "x" * 300}, {"logo_uri": "javascript:alert(1)"},
        {"application_type": "toaster"}, {"redirect_uris": "https://app.example/"}, {"redirect_uris": [7]},
        {"redirect_uris": ["https://app.example/"] * 51}, {"contacts": [None]},
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_had_are_refused_by_name(register, metadata):
    answer = register(**metadata)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert (
        next(iter(metadata)) in answer.json()["error_description"]
        or "grant_types" in answer.json()["error_description"]
    )
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("asked", "registered"),
    [
        ("openid accounts:read address phone groups", "openid accounts:read"),
        ("mcp:tools accounts:read accounts:read", "accounts:read"),
    ],
)
def test_scopes_that_do_not_exist_here_are_left_out_and_the_response_says_so(register, asked, registered):
    """RFC 7591 §3.2.1: clients use the same list of scopes at many servers."""
    answer = register(scope=asked)
    assert (answer.status_code, answer.json()["scope"]) == (201, registered)
    assert Client.objects.get().allowed_scopes == registered.split()


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"a":' * 10_000, b"\xff"])
def test_what_is_not_one_json_object_is_refused(initial_token, body):
    answer = Browser().post(
        "/oauth/register", body, content_type="application/json", headers={"Authorization": f"Bearer {initial_token}"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_metadata_above_64_kib_are_too_large(initial_token):
    answer = Browser().post(
        "/oauth/register", '{"a":' * 50_000, content_type="application/json",
        headers={"Authorization": f"Bearer {initial_token}"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


def test_unknown_metadata_are_ignored(register):
    """RFC 7591 §2."""
    assert "favourite_colour" not in register(favourite_colour="blue").json()


def test_an_update_replaces_everything_and_the_token(register):
    """RFC 7592 §2.2."""
    body = register(client_uri="https://app.example/").json()
    path, token = management(body)
    document = {**WEB, "client_id": body["client_id"], "redirect_uris": ["https://app.example/new"]}
    updated = send("put", path, token, document)
    assert updated.status_code == 200
    assert updated.json()["redirect_uris"] == ["https://app.example/new"]
    assert "client_uri" not in updated.json()
    assert "client_secret" not in updated.json()
    assert Client.objects.get().secret_is(body["client_secret"])
    assert send("get", path, token).status_code == 401
    assert send("get", path, updated.json()["registration_access_token"]).status_code == 200


@pytest.mark.parametrize(
    "change", [{"client_id": "another"}, {"client_secret": "chosen"}, {"redirect_uris": ["http://x.example"]}]
)
def test_a_refused_update_changes_nothing(register, change):
    body = register().json()
    path, token = management(body)
    assert send("put", path, token, {**WEB, "client_id": body["client_id"], **change}).status_code == 400
    assert send("get", path, token).json()["redirect_uris"] == WEB["redirect_uris"]


def test_a_client_that_gets_keys_loses_its_secret(register):
    body = register().json()
    path, token = management(body)
    keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.public]}}
    assert send("put", path, token, {**WEB, **keys, "client_id": body["client_id"]}).status_code == 200
    assert Client.objects.get().secret_digest is None


def test_a_deleted_client_is_gone_with_all_it_was_allowed(register, browser, token_endpoint):
    from tests.lib.oauth_client import allow

    body = register().json()
    allow(browser, Client.objects.get())
    path, token = management(body)
    answer = send("delete", path, token)
    assert answer.status_code == 204
    assert "Content-Type" not in answer
    assert not Client.objects.exists()
    assert not Authorization.objects.exists()
    assert send("get", path, token).status_code == 401


def test_a_registration_is_its_own_clients(register, initial_token, web_app):
    first, second = register().json(), register().json()
    path, _ = management(first)
    _, token_of_second = management(second)
    for token in (token_of_second, initial_token, "", first["client_secret"]):
        for method in ("get", "delete"):
            assert send(method, path, token).status_code == 401
    assert send("get", f"/oauth/register/{web_app.client_id}", "").status_code == 401
    assert send("get", "/oauth/register/unknown", token_of_second).status_code == 401


# --- the metadata of OpenID Connect and of clients with keys

KEY = ClientKey()


@pytest.mark.parametrize(
    "metadata",
    [
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.public]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/jwks"},
        {"jwks": {"keys": [KEY.public]}},
        {
            "security_profile": "fapi2",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [KEY.public]},
            "require_pushed_authorization_requests": True,
            "dpop_bound_access_tokens": True,
        },
        {"request_object_signing_alg": "PS256", "authorization_signed_response_alg": "ES256"},
        {"post_logout_redirect_uris": ["https://app.example/out", "https://app.example/out?x=1"]},
        {"backchannel_logout_uri": "https://app.example/bc", "backchannel_logout_session_required": True},
        {"subject_type": "pairwise"},
        {"id_token_signed_response_alg": "ES256"},
        {"userinfo_signed_response_alg": "PS256"},
        {"introspection_signed_response_alg": "EdDSA"},
        {"require_pushed_authorization_requests": True},
        {"default_max_age": 3600},
        {"default_acr_values": ["urn:countersign:acr:mfa"]},
        {"grant_types": ["authorization_code", "client_credentials", "refresh_token"]},
        {"contacts": ["ops@app.example"], "policy_uri": "https://app.example/privacy"},
    ],
)
def test_what_is_registered_is_told_back_and_survives_an_update(register, metadata):
    answer = register(**metadata)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert {name: body[name] for name in metadata} == metadata
    read = send("get", *management(body)).json()
    assert {name: read[name] for name in metadata} == metadata
    put = send("put", *management(body), {**WEB, **metadata, "client_id": body["client_id"]}).json()
    assert {name: put[name] for name in metadata} == metadata
    assert ("client_secret" in body) == (body["token_endpoint_auth_method"] != "private_key_jwt")


def test_the_algorithms_of_signed_responses_are_told(register, settings):
    """RFC 7591 §3.2.1: the defaults of JARM §3 and RFC 9701 §6 are RS256, which this server does not use."""
    settings.OAUTH = {**settings.OAUTH, "SIGNING_ALGORITHM": "PS256"}
    body = register().json()
    assert body["authorization_signed_response_alg"] == body["introspection_signed_response_alg"] == "PS256"
    public = register(token_endpoint_auth_method="none").json()
    assert public["authorization_signed_response_alg"] == "PS256"
    assert "introspection_signed_response_alg" not in public
    service = register(grant_types=["client_credentials"], response_types=[], redirect_uris=[]).json()
    assert "authorization_signed_response_alg" not in service


@pytest.mark.parametrize(
    "metadata",
    [
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"security_profile": "fapi2", "token_endpoint_auth_method": "client_secret_basic"},
        {"security_profile": "fapi3"},
        {"request_object_signing_alg": "none"},
        {"jwks": {"keys": [KEY.public]}, "jwks_uri": "https://app.example/jwks"},
        {"jwks": {"keys": []}},
        {"jwks": []},
        {"jwks": "nonsense"},
        {"jwks": {"keys": ["nonsense"]}},
        {"jwks": {"keys": [KEY.jwk.export(as_dict=True)]}},  # with its private part
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"jwks": {"keys": [{**KEY.public, "x": "\u0000"}]}},
        {"jwks_uri": "http://app.example/jwks"},
        {"jwks_uri": "javascript:alert(1)"},
        {"backchannel_logout_uri": "http://app.example/bc"},
        {"backchannel_logout_uri": "https://app.example/bc#f"},
        {"backchannel_logout_session_required": "yes"},
        {"post_logout_redirect_uris": ["http://app.example/out"]},
        {"post_logout_redirect_uris": ["https://app.example/out#f"]},
        {"post_logout_redirect_uris": "https://app.example/out"},
        {"subject_type": "nonsense"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"id_token_encrypted_response_alg": "RSA-OAEP"},
        {"token_endpoint_auth_signing_alg": "HS256"},
        {"default_max_age": -1},
        {"default_max_age": "3600"},
        {"default_max_age": True},
        {"require_pushed_authorization_requests": 1},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
        {
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"],
        },
        {"grant_types": ["implicit"], "response_types": ["token"]},
        {"grant_types": ["password"]},
        {"response_types": ["code id_token"]},
        {"response_types": ["id_token"]},
        {"logo_uri": "javascript:alert(1)"},
    ],
)
def test_the_error_names_the_wrong_member(register, metadata):
    """RFC 7591 §3.2.2: the error names the wrong member."""
    answer = register(**metadata)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata"), answer.content
    names = {"grant_types", "response_types", "public client", "private_key_jwt", *metadata}
    assert any(name in answer.json()["error_description"] for name in names), answer.json()
    assert not Client.objects.exists()


RSA, WEAK = ClientKey("RS256"), ClientKey("PS256", kty="RSA", size=1024)
USELESS = [
    {"kty": "EC"},
    {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"},
    {"kty": "OKP", "crv": "X25519", "x": "AAAA", "use": "enc"},
    {**KEY.public, "alg": "ES256K"},
    {**KEY.public, "use": "enc"},
    {**KEY.public, "key_ops": ["wrapKey"]},
    {**KEY.public, "alg": 7, "use": ["sig"], "kid": None},
    {**KEY.public, "y": "AAAA"},
    {name: value for name, value in WEAK.public.items() if name != "kid"},
]


@pytest.mark.parametrize("useless", USELESS)
def test_keys_that_nobody_uses_are_ignored(register, token_endpoint, useless):
    """RFC 7517 §5: other kinds of keys, and keys without a `kid`, do no harm, and the usable one counts."""
    assert register(jwks={"keys": [useless]}).status_code == 201  # a client with a secret
    signs = {"token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"], "scope": "x:read"}
    Scope.objects.create(name="x:read", sentence="X")
    InitialAccessToken.objects.update(scopes=["x:read"])
    answer = register(**signs, redirect_uris=[], response_types=[], jwks={"keys": [useless, KEY.public]})
    assert answer.status_code == 201, answer.content
    assertion = by(KEY.assertion(answer.json()["client_id"]))
    assert token_endpoint.post(grant_type="client_credentials", **assertion).status_code == 200
    alone = register(**signs, redirect_uris=[], response_types=[], jwks={"keys": [useless]})
    assert (alone.status_code, alone.json()["error"]) == (400, "invalid_client_metadata")
    assert "usable key" in alone.json()["error_description"]


@pytest.mark.parametrize(
    ("metadata", "is_accepted"),
    [
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [RSA.public]}}, True),
        (
            {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "RS256",
                "request_object_signing_alg": "RS256",
                "jwks": {"keys": [RSA.public]},
            },
            True,
        ),
        ({"request_object_signing_alg": "RS256", "jwks": {"keys": [KEY.public]}}, False),
        ({"require_signed_request_object": True, "jwks": {"keys": [WEAK.public]}}, False),
        ({"require_signed_request_object": True, "jwks": {"keys": [WEAK.public, KEY.public]}}, True),
        (
            {
                "security_profile": "fapi2",
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": {"keys": [RSA.public]},
            },
            False,
        ),
        (
            {
                "security_profile": "fapi2",
                "token_endpoint_auth_method": "private_key_jwt",
                "request_object_signing_alg": "RS256",
                "jwks": {"keys": [RSA.public, KEY.public]},
            },
            False,
        ),
        (
            {
                "security_profile": "fapi2",
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "RS256",
                "jwks": {"keys": [RSA.public, KEY.public]},
            },
            False,
        ),
    ],
)
def test_rs256_is_for_ordinary_clients(register, metadata, is_accepted):
    """RFC 8414 §2, OpenID Connect Discovery §3: RS256 SHOULD be supported; FAPI 2.0 §5.4.1 forbids it."""
    answer = register(**metadata)
    assert answer.status_code == (201 if is_accepted else 400), answer.content
    if not is_accepted:
        assert answer.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize(
    ("algorithm", "keys", "is_accepted"),
    [
        ("ES256", [KEY], True),
        ("RS256", [KEY, RSA], True),
        ("RS256", [KEY], False),
        ("PS256", [KEY], False),
    ],
)
def test_the_algorithm_of_assertions_is_registered(register, algorithm, keys, is_accepted):
    """OpenID Connect Registration §2: it is stored and returned, an update replaces it, and it requires a key."""
    signs = {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": algorithm,
        "jwks": {"keys": [key.public for key in keys]},
    }
    answer = register(**signs)
    assert answer.status_code == (201 if is_accepted else 400), answer.content
    if is_accepted:
        body = answer.json()
        assert body["token_endpoint_auth_signing_alg"] == algorithm
        assert Client.objects.get(client_id=body["client_id"]).token_endpoint_auth_signing_alg == algorithm


def test_an_algorithm_of_assertions_needs_private_key_jwt(register):
    answer = register(token_endpoint_auth_method="client_secret_basic", token_endpoint_auth_signing_alg="ES256")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert answer.json()["error_description"].startswith("token_endpoint_auth_signing_alg: ")


def test_members_that_are_null_are_absent(register):
    """RFC 7591 §2: serializers of many languages write null for a value that is not set."""
    nothing = dict.fromkeys(
        ("client_uri", "logo_uri", "jwks", "jwks_uri", "scope", "contacts", "grant_types", "response_types",
         "application_type", "post_logout_redirect_uris", "default_max_age", "require_signed_request_object",
         "id_token_encrypted_response_alg", "sector_identifier_uri", "token_endpoint_auth_signing_alg",
         "client_secret", "authorization_details_types", "security_profile", "subject_type"), None,
    )  # fmt: skip
    body = register(**nothing).json()
    assert body["grant_types"] == ["authorization_code"], body
    update = {**WEB, **nothing, "client_id": body["client_id"]}
    assert send("put", *management(body), update).status_code == 200
    missing = register(redirect_uris=None)
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_redirect_uri")


def test_a_sector_vouches_for_redirect_uris_of_several_hosts(register, listener):
    """OpenID Connect Core §8.1."""
    uris = ["https://a.example/callback", "https://b.example/callback"]
    several = {"subject_type": "pairwise", "redirect_uris": uris}
    assert register(**several).status_code == 400
    sector = {**several, "sector_identifier_uri": listener.url("/sector.json")}
    listener.body = uris
    assert register(**sector).status_code == 201
    for body in (uris[:1], {"uris": uris}, [1], b"nonsense"):
        listener.body = body
        assert register(**sector).json()["error"] == "invalid_client_metadata"
    listener.body, listener.status = uris, 302
    assert register(**sector).status_code == 400


@pytest.mark.usefixtures("clock_stands")
def test_registration_is_limited_by_token(register, monkeypatch):
    monkeypatch.setattr(registration, "REGISTRATIONS", Limit("registrations", 2, seconds=3600))
    assert [register().status_code for _ in range(3)] == [201, 201, 429]
