"""The token endpoint: who may call it, and the right error for each fault."""

import base64
import re
from urllib.parse import unquote

import jwt
import pytest

from oauth import keys
from oauth.conf import conf
from oauth.models import RefreshToken
from tests.lib.error_ids import without_error_id
from tests.lib.oauth_client import VERIFIER, allow

pytestmark = pytest.mark.django_db


def assert_refused(answer, error, status=400):
    """Asserts the format of RFC 6749 §5.2: JSON, not cached, with exactly this error code."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["error"] == error
    assert answer.json().keys() == {"error", "error_description"}  # strict clients do not accept other members
    assert answer.json()["error_description"].endswith(f"(error id {answer['X-Error-Id']})")


def test_client_credentials_give_a_token_of_the_client_itself(service, token_endpoint):
    answer = token_endpoint.post(service, grant_type="client_credentials")
    body = answer.json()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert (body["token_type"], body["scope"], body["expires_in"]) == ("Bearer", "accounts:read", 300)
    assert "refresh_token" not in body
    key = jwt.PyJWK(keys.published_jwks()["keys"][0])
    header = jwt.get_unverified_header(body["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    claims = jwt.decode(
        body["access_token"],
        jwt.PyJWKSet.from_dict(keys.published_jwks())[header["kid"]],
        algorithms=["ES256"],
        audience=f"{conf.ISSUER}/api/v1",
    )
    assert key
    assert claims["sub"] == claims["client_id"] == service.client_id
    assert set(claims) == {"iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "status"}


def test_client_credentials_of_a_known_client_take_no_statement(service, token_endpoint, django_assert_num_queries):
    token_endpoint.post(service, grant_type="client_credentials")  # reads the keys and the client
    with django_assert_num_queries(0):
        token_endpoint.post(service, grant_type="client_credentials")


def test_client_credentials_never_speak_for_a_user(service, token_endpoint):
    service.allowed_scopes = ["openid", "offline_access"]
    service.save()
    assert_refused(token_endpoint.post(service, grant_type="client_credentials"), "invalid_scope")


def test_a_token_of_a_user_says_who_and_how_but_no_name(issued, mobile_app, alice):
    body = issued(mobile_app, scope="openid accounts:read")
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["sub"] == str(alice.pk)
    assert (claims["acr"], claims["amr"]) == ("urn:countersign:acr:pwd", ["pwd"])
    assert claims["sid"]
    assert claims["auth_time"]
    assert alice.email not in str(claims)
    assert alice.name not in str(claims)
    id_token = jwt.decode(body["id_token"], options={"verify_signature": False})
    assert (id_token["aud"], id_token["sub"]) == (mobile_app.client_id, str(alice.pk))
    assert jwt.get_unverified_header(body["id_token"])["alg"] == "RS256"


@pytest.mark.usefixtures("fast_path")
def test_a_code_exchange_takes_two_statements(browser, web_app, token_endpoint, django_assert_num_queries):
    token_endpoint.redeem(web_app, allow(browser, web_app))
    code = allow(browser, web_app)
    with django_assert_num_queries(2):
        assert token_endpoint.redeem(web_app, code).status_code == 200


@pytest.mark.usefixtures("fast_path")
def test_a_rotating_refresh_takes_two_statements(issued, mobile_app, token_endpoint, django_assert_num_queries):
    token = issued(mobile_app)["refresh_token"]
    with django_assert_num_queries(2):
        assert token_endpoint.refresh(mobile_app, token).status_code == 200


@pytest.mark.usefixtures("fast_path")
def test_a_refresh_without_rotation_takes_two_statements(issued, web_app, token_endpoint, django_assert_num_queries):
    token = issued(web_app)["refresh_token"]
    with django_assert_num_queries(2):
        assert token_endpoint.refresh(web_app, token).status_code == 200


def test_only_digests_are_stored(issued, mobile_app):
    token = issued(mobile_app)["refresh_token"]
    assert token not in str(RefreshToken.objects.values())


@pytest.mark.parametrize(
    "credentials",
    ["not base64 at all", base64.b64encode(b"no-colon").decode(), base64.b64encode(b"\xff:\xfe").decode(), ""],
)
def test_undecodable_basic_credentials_are_invalid_client(token_endpoint, credentials):
    """node-oidc-provider 2026: Basic credentials that were decoded without strict checks."""
    answer = token_endpoint.post(headers={"Authorization": f"Basic {credentials}"}, grant_type="client_credentials")
    assert_refused(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"].startswith("Basic ")


def test_basic_credentials_are_form_encoded(service, token_endpoint):
    """RFC 6749 §2.3.1: client libraries encode both parts, so `%2D` is `-` and `+` is a space."""

    def ask(client_id, secret):
        credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        return token_endpoint.post(headers=headers, grant_type="client_credentials").status_code

    def encoded(text):
        return "".join(f"%{ord(character):02X}" for character in text)

    assert ask(encoded(service.client_id), service.secret) == 200
    assert ask(service.client_id, encoded(service.secret)) == 200
    service.client_id = "two words"
    service.save()
    assert ask("two+words", service.secret) == 200


def test_a_wrong_secret_and_an_unknown_client_answer_alike(service, token_endpoint):
    service.secret = "wrong"
    wrong = token_endpoint.post(service, grant_type="client_credentials")
    service.client_id = "unknown"
    unknown = token_endpoint.post(service, grant_type="client_credentials")
    for answer in (wrong, unknown):
        assert_refused(answer, "invalid_client", 401)
    assert without_error_id(wrong) == without_error_id(unknown)


def test_a_confidential_client_needs_its_secret(service, token_endpoint):
    """ASVS 5.0 10.4.10."""
    form = {"grant_type": "client_credentials", "client_id": service.client_id}
    assert_refused(token_endpoint.post(**form), "invalid_client", 401)
    assert_refused(token_endpoint.post(**form, client_secret="another"), "invalid_client", 401)
    assert_refused(token_endpoint.post(service, **form, client_secret=service.secret), "invalid_request")


def test_the_secret_before_works_during_the_overlap_only(service, token_endpoint):
    from datetime import timedelta

    import time_machine
    from django.utils import timezone

    old = service.secret
    new = service.issue_secret(overlap_until=timezone.now() + timedelta(hours=1))
    service.save()
    for secret in (old, new):
        service.secret = secret
        assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200
    service.secret = old
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert_refused(token_endpoint.post(service, grant_type="client_credentials"), "invalid_client", 401)


def test_a_disabled_client_gets_nothing(service, token_endpoint):
    service.is_active = False
    service.save()
    assert_refused(token_endpoint.post(service, grant_type="client_credentials"), "invalid_client", 401)


def test_grant_types_are_of_the_server_and_of_the_client(service, web_app, token_endpoint):
    """ASVS 5.0 10.4.4."""
    assert_refused(token_endpoint.post(service, grant_type="password"), "unsupported_grant_type")
    assert_refused(token_endpoint.post(service), "invalid_request")
    assert_refused(token_endpoint.post(web_app, grant_type="client_credentials"), "unauthorized_client")


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=authorization_code&code=a%00b&client_id=x",
        "grant_type=authorization_code&client_id=a%00b",
        "grant_type=authorization_code&code=%ED%A0%80&client_id=x",
        "grant_type=authorization_code&code=%ff&client_id=x",
        "grant_type=client_credentials&x=%0a",
        b"grant_type=client_credentials&x=\xff",
        "&".join(f"x{n}=1" for n in range(200)),
        "grant_type",
        "",
    ],
)
def test_malformed_parameters_are_invalid_request(token_endpoint, body):
    """RFC 6749 §3.2 and appendix A: no parameter twice, no control characters; compare Keycloak CVE-2026-9689."""
    assert_refused(token_endpoint.send(body), "invalid_request")


def test_a_megabyte_is_too_large(token_endpoint):
    assert_refused(token_endpoint.send("grant_type=" + "x" * 1_000_000), "invalid_request", 413)


SECRETS = ("client_secret", "client%5fsecret", "code", "refresh_token", "access_token", "client_assertion", "password")


@pytest.mark.parametrize("name", SECRETS)
def test_credentials_in_the_url_are_refused(service, token_endpoint, client, name):
    """RFC 6749 §2.3.1: logs contain URLs."""
    credentials = base64.b64encode(f"{service.client_id}:{service.secret}".encode()).decode()
    answer = client.post(
        f"/oauth/token?a=b&{name}=x", "grant_type=client_credentials",
        content_type="application/x-www-form-urlencoded", headers={"Authorization": f"Basic {credentials}"},
    )  # fmt: skip
    assert_refused(answer, "invalid_request")
    assert unquote(name) in answer.json()["error_description"]


@pytest.mark.parametrize(
    "query", ["api-version=2", "tenant=x&tenant=y", "client_id=other&scope=x", "%ff&&=", "grant_type=password"]
)
def test_any_other_query_is_ignored(service, client, query):
    """RFC 6749 §3.2: the endpoint's URL may have a query, and unknown parameters are ignored."""
    credentials = base64.b64encode(f"{service.client_id}:{service.secret}".encode()).decode()
    answer = client.post(
        f"/oauth/token?{query}", "grant_type=client_credentials&unknown=1",
        content_type="application/x-www-form-urlencoded", headers={"Authorization": f"Basic {credentials}"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.content


def test_an_empty_secret_is_none(browser, mobile_app, service, token_endpoint):
    """RFC 6749 §2.3.1: requests-oauthlib authenticates a public client as `Basic id:`."""

    def basic(client):
        return {"Authorization": "Basic " + base64.b64encode(f"{client.client_id}:".encode()).decode()}

    form = {
        "redirect_uri": "https://app.example/callback",
        "code_verifier": VERIFIER,
        "code": allow(browser, mobile_app),
    }
    answer = token_endpoint.post(headers=basic(mobile_app), grant_type="authorization_code", **form)
    assert answer.status_code == 200, answer.content
    assert_refused(token_endpoint.post(headers=basic(service), grant_type="client_credentials"), "invalid_client", 401)
    nobody = {"Authorization": "Basic " + base64.b64encode(b":").decode()}
    assert_refused(token_endpoint.post(headers=nobody, grant_type="client_credentials"), "invalid_client", 401)
    other = token_endpoint.post(headers=basic(mobile_app), grant_type="refresh_token", client_id="another")
    assert_refused(other, "invalid_request")


@pytest.mark.parametrize("spaces", [" ", "  ", "     "])
def test_spaces_after_the_scheme_do_not_count(service, token_endpoint, client, spaces):
    """RFC 9110 §11.4 allows one or more."""
    credentials = base64.b64encode(f"{service.client_id}:{service.secret}".encode()).decode()
    headers = {"Authorization": f"basic{spaces}{credentials}"}
    answer = token_endpoint.post(headers=headers, grant_type="client_credentials", scope="accounts:read")
    assert answer.status_code == 200, answer.content
    token = answer.json()["access_token"]
    api = client.get("/api/v1/accounts", headers={"Authorization": f"Bearer{spaces}{token}"})
    assert api.status_code == 200, api.content
    own = client.get("/oauth/userinfo", headers={"Authorization": f"bearer{spaces}{token}"})
    assert own.json()["error"] == "invalid_token"  # no user has allowed this


def test_parameters_as_json_are_refused(client, signing_keys):
    assert_refused(client.post("/oauth/token", {"grant_type": "x"}, content_type="application/json"), "invalid_request")


def test_only_post_is_allowed(client):
    answer = client.get("/oauth/token")
    assert answer.status_code == 405
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("verifier", ["short", "x" * 129, VERIFIER + "!", None, VERIFIER + "x"])
def test_pkce_is_never_left_out(browser, mobile_app, token_endpoint, verifier):
    """RFC 7636 §4.6; authentik CVE-2023-48228: the verifier left out."""
    code = allow(browser, mobile_app)
    form = {"code_verifier": verifier} if verifier else {"code_verifier": ""}
    answer = token_endpoint.redeem(mobile_app, code, **form)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert not RefreshToken.objects.exists()


def test_an_error_description_holds_only_the_characters_of_rfc_6749(web_app, browser, token_endpoint):
    """RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E, and the response has no members except those of an error."""
    answer = token_endpoint.redeem(web_app, allow(browser, web_app), code_verifier="")
    assert_refused(answer, "invalid_grant")
    description = answer.json()["error_description"]
    assert "RFC 7636 section 4.1" in description
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", description)


def test_a_scope_at_the_code_exchange_is_ignored(web_app, browser, token_endpoint):
    """RFC 6749 §3.2: a parameter that the grant does not define is ignored. Clients of Microsoft's libraries send
    it.
    """
    answer = token_endpoint.redeem(web_app, allow(browser, web_app, scope="accounts:read"), scope="transfers:write")
    assert (answer.status_code, answer.json()["scope"]) == (200, "accounts:read")
