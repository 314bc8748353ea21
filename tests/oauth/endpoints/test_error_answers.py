"""The format of every refusal by a machine endpoint (RFC 6749 §5.2, RFC 6750 §3), for any input."""

import base64
import re
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.test import Client as Browser

from oauth.errors import in_protocol_text
from tests.lib.oauth_client import authorization_url, callback

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
ALLOWED = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")
# Characters that no error text may repeat.
ODD = 'é§“”"\\\u2028'
FORMS = ("token", "par", "device_authorization", "backchannel_authentication", "revoke", "introspect")


def send(method, path, **options):
    return getattr(Browser(raise_request_exception=False), method)(path, **options)


def check(answer, status=None):
    """RFC 6749 §5.2: the body has only the two members, with only the allowed characters. The error id is in a header
    and at the end of the description.
    """
    assert 400 <= answer.status_code < 500, answer.content
    assert status in (None, answer.status_code), answer.content
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert all(ALLOWED.fullmatch(value) for value in body.values()), body
    assert body["error_description"].endswith(f"(error id {answer['X-Error-Id']})")
    check_challenge(answer)
    return body


def check_challenge(answer):
    """RFC 9110 §11.2: each value of a challenge is a quoted string that contains neither a quote nor a backslash."""
    challenge = answer.get("WWW-Authenticate", "")
    rest = re.sub(r'[a-zA-Z0-9_-]+="[\x20\x21\x23-\x5b\x5d-\x7e]*"', "", challenge)
    assert not {'"', "\\"} & set(rest), challenge
    assert challenge.isascii(), challenge
    assert answer.status_code != 401 or challenge


@pytest.mark.parametrize("endpoint", FORMS)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"grant_type": ODD},
        {ODD: "x", "client_id": ODD},
        [("client_id", "x"), ("client_id", "y")],
        [(ODD, "x"), (ODD, "y")],
        {"client_id": "x\x00"},
        {"client_assertion": ODD, "client_assertion_type": ODD},
        {"client_id": "x", "client_secret": ODD},
    ],
)
def test_a_refusal_of_what_anybody_sends(signing_keys, endpoint, parameters):
    check(send("post", f"/oauth/{endpoint}", data=urlencode(parameters), content_type=FORM))
    check(send("post", f"/oauth/{endpoint}", data=b"{}", content_type="application/json"))
    check(send("post", f"/oauth/{endpoint}?client_secret=x", data=b"", content_type=FORM), 400)
    check(send("get", f"/oauth/{endpoint}"), 405)
    for header in ("Basic", f"Basic {ODD}".encode().decode("latin-1"), "Bearer x", "Basic Og=="):
        check(send("post", f"/oauth/{endpoint}", data="a=b", content_type=FORM, headers={"Authorization": header}))


@pytest.mark.parametrize("endpoint", FORMS)
@pytest.mark.parametrize(
    "parameters",
    [
        {"scope": ODD, "grant_type": "client_credentials"},
        {"resource": ODD, "grant_type": "client_credentials"},
        {"grant_type": ODD},
        {"token": ODD, "grant_type": "refresh_token", "refresh_token": ODD},
        {"response_type": ODD},
        {"code": ODD, "code_verifier": ODD, "grant_type": "authorization_code"},
        {"request": ODD},
        {"authorization_details": f'[{{"type": "{ODD}"}}]', "response_type": "code"},
        {"claims": ODD, "response_type": "code", "scope": "accounts:read"},
        {"prompt": ODD, "response_type": "code"},
    ],
)
def test_a_refusal_of_what_a_client_sends(service, web_app, endpoint, parameters):
    for client in (service, web_app):
        basic = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
        answer = send(
            "post", f"/oauth/{endpoint}", data=urlencode(parameters), content_type=FORM,
            headers={"Authorization": f"Basic {basic}", "DPoP": "nonsense"} if "code" in parameters
            else {"Authorization": f"Basic {basic}"},
        )  # fmt: skip
        if answer.status_code >= 400:
            check(answer)
        else:
            assert endpoint in ("revoke", "introspect")


@pytest.mark.parametrize("document", [{"client_name": "\x00"}, {"grant_types": [ODD]}, {"scope": ODD}, {ODD: 1}, [ODD]])
def test_a_refusal_of_a_registration(db, capsys, document):
    call_command("registration_token")
    token = capsys.readouterr().out.splitlines()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    check(send("post", "/oauth/register", data=document, content_type="application/json", headers=headers), 400)
    redirect = {"redirect_uris": [f"https://app.example/{ODD}"]}
    check(send("post", "/oauth/register", data=redirect, content_type="application/json", headers=headers), 400)
    for header in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer a b"},
        {"Authorization": "Basic x"},
    ):
        check(send("post", "/oauth/register", data=document, content_type="application/json", headers=header), 401)
        check(send("get", "/oauth/register/nobody", headers=header), 401)


@pytest.mark.parametrize("path", ["/oauth/userinfo", "/oauth/grants/x", "/oauth/status/999", "/oauth/nothing"])
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer a b", "Bearer x.y.z", "DPoP x.y.z", f"Bearer {ODD}", "Basic x"]
)
def test_a_refusal_of_a_token(signing_keys, path, header):
    headers = {"Authorization": header.encode().decode("latin-1")} if header else {}
    check(send("get", path, headers=headers))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer a b", "Bearer x.y.z", "DPoP x.y.z", f"DPoP {ODD}"])
def test_a_refusal_of_the_api(signing_keys, header):
    """RFC 9457, with the challenge of RFC 6750 §3."""
    headers = {"Authorization": header.encode().decode("latin-1")} if header else {}
    answer = send("get", "/api/v1/accounts", headers=headers)
    assert answer.status_code in (400, 401), answer.content
    assert answer.json()["detail"].endswith(f"(error id {answer['X-Error-Id']})")
    check_challenge(answer)


def test_a_refusal_of_the_api_for_want_of_scope_or_login(issued, web_app, client):
    headers = {"Authorization": f"Bearer {issued(web_app)['access_token']}"}
    for path in ("/api/v1/webhooks", "/api/v1/transfers"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert "insufficient_scope" in answer["WWW-Authenticate"]
        check_challenge(answer)


@pytest.mark.parametrize("parameters", [{"prompt": ODD}, {"scope": ODD}, {"claims": ODD}, {"code_challenge": "x"}])
def test_a_refusal_that_goes_to_the_client(browser, web_app, parameters):
    """RFC 6749 §4.1.2.1."""
    error = callback(browser.get(authorization_url(web_app, **parameters)))
    assert ALLOWED.fullmatch(error["error"])
    assert ALLOWED.fullmatch(error["error_description"])


def test_every_character_has_an_allowed_form():
    text = "".join(map(chr, range(0x300))) + "\ud800\U0001f600§“”’–—…"
    assert ALLOWED.fullmatch(in_protocol_text(text))
