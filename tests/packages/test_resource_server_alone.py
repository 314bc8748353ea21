"""The wheel of the resource server in an empty environment, against a served authorization server.

Each way to use it (without a framework, with Django, REST framework and Django Ninja) must enforce every rule.
"""

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from oauth.models import RevokedStatus
from tests.lib import certificates, dpop
from tests.lib.client_keys import ClientKey
from tests.lib.distributions import RESOURCE_SERVER, Environment

pytestmark = [pytest.mark.packaged, pytest.mark.django_db(transaction=True)]
PROGRAMS = Path(__file__).parent / "programs"
SCOPE, PATH = "accounts:read", "/orders"
SERVER_ONLY = ["redis", "jwcrypto", "oauth2_provider", "procrastinate", "psycopg"]
# program -> extra of the wheel, and top-level packages that it must not load
FORMS = {
    "no_framework.py": ("", [*SERVER_ONLY, "django", "rest_framework", "rest_framework_simplejwt", "asgiref"]),
    "django_views.py": ("[django]", [*SERVER_ONLY, "rest_framework", "rest_framework_simplejwt"]),
    "django_ninja.py": ("[ninja]", [*SERVER_ONLY, "rest_framework", "rest_framework_simplejwt"]),
    "rest_framework_views.py": ("[drf]", SERVER_ONLY),
}
NEEDED = {
    "countersign-resource-server", "pyjwt", "cryptography", "requests",
    "certifi", "cffi", "charset-normalizer", "idna", "pycparser", "typing-extensions", "urllib3",
}  # fmt: skip


@pytest.fixture
def issuer(live_server: Any, settings: Any, mobile_app: Any) -> str:
    """A served authorization server whose status list 0 exists, with bit 7 set."""
    settings.OAUTH = {**settings.OAUTH, "ISSUER": live_server.url}
    RevokedStatus.objects.create(index=7)
    return str(live_server.url)


def asked(requests: list[dict[str, Any]], issuer: str, unwanted: list[str], **oauth: str) -> str:
    return json.dumps(
        {
            "scope": SCOPE, "path": PATH, "requests": requests, "unwanted": unwanted,
            "secret_key": django_settings.SECRET_KEY,
            "oauth": {"ISSUER": issuer, "AUDIENCES": [f"{issuer}/api/v1"], **oauth},
        }
    )  # fmt: skip


@pytest.mark.parametrize("program", FORMS)
def test_a_real_token_opens_the_api_and_every_rule_holds(
    program: str, wheels: dict[str, Path], issuer: str, access_token: Any, alice: Any, tmp_path: Path
) -> None:
    """RFC 9068 §4, RFC 6750 §3, RFC 9449 §7, RFC 8705 §3, draft-ietf-oauth-status-list §8.3."""
    extra, unwanted = FORMS[program]
    environment = Environment.make(tmp_path / "alone")
    environment.install(f"{RESOURCE_SERVER.replace('_', '-')}{extra} @ {wheels[RESOURCE_SERVER].as_uri()}")
    if not extra:
        assert {name.partition(" @")[0] for name in environment.installed()} <= NEEDED

    def token(scope: str = SCOPE, **claims: Any) -> str:
        given = {"audience": (f"{issuer}/api/v1",), "status": {"uri": f"{issuer}/oauth/status/0", "idx": 3}} | claims
        return str(access_token(alice, scope, **given))

    certificate = certificates.authority()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(certificate.der).digest()).rstrip(b"=").decode()
    bound, by_certificate = (
        token(confirmation={"jkt": dpop.KEY.jwk.thumbprint()}),
        token(confirmation={"x5t#S256": thumbprint}),
    )

    def proof(key: ClientKey = dpop.KEY) -> str:
        return str(dpop.proof(key, method="GET", url=f"{issuer}{PATH}", token=bound))

    once = {"Authorization": f"DPoP {bound}", "DPoP": proof()}
    chain = [base64.b64encode(certificate.der).decode()]
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"headers": {"Authorization": f"Bearer {token()}"}}, 200, ""),
        ({"headers": {}}, 401, "Bearer resource_metadata="),
        ({"headers": {"Authorization": "Basic YTpi"}}, 401, "DPoP resource_metadata="),
        ({"headers": {"Authorization": "Bearer  "}}, 400, 'error="invalid_request"'),
        ({"headers": {"Authorization": f"Bearer {token('balances:read')}"}}, 403, f'scope="{SCOPE}"'),
        ({"headers": {"Authorization": f"Bearer {token()[:-8]}AAAAAAAA"}}, 401, 'error="invalid_token"'),
        ({"headers": {"Authorization": f"Bearer {token(issuer='https://other.example')}"}}, 401, "another issuer"),
        ({"headers": {"Authorization": f"Bearer {token(audience=('https://other.example',))}"}}, 401, "another audience"),
        ({"headers": {"Authorization": f"Bearer {token(expires_at=timezone.now() - timedelta(hours=1))}"}}, 401, "expired"),
        ({"headers": {"Authorization": f"Bearer {token(status={'uri': f'{issuer}/oauth/status/0', 'idx': 7})}"}}, 401, "has ended"),
        ({"headers": {"Authorization": f"Bearer {bound}"}}, 401, "DPoP error="),
        ({"headers": once}, 200, ""),
        ({"headers": once}, 401, "already used"),
        ({"headers": {"Authorization": f"DPoP {bound}", "DPoP": proof(ClientKey(kid=None))}}, 401, 'error="invalid_dpop_proof"'),
        ({"headers": {"Authorization": f"DPoP {bound}"}}, 401, "DPoP header is missing"),
        ({"headers": {"Authorization": f"Bearer {by_certificate}"}}, 401, "certificate-bound"),
        ({"headers": {"Authorization": f"Bearer {by_certificate}"}, "chain": chain}, 200, ""),
    ]  # fmt: skip
    given = asked([request for request, _, _ in cases], issuer, unwanted)
    result = json.loads(environment.run(PROGRAMS / program, asked=given))
    for (request, status, words), answer in zip(cases, result["answers"], strict=True):
        assert (answer["status"], words in answer["challenge"]) == (status, True), (request, answer)
        assert status != 200 or answer["body"] == {"user": str(alice.pk)}
    assert result["loaded"] == []


def test_an_issuer_that_does_not_answer_is_a_503_and_no_refusal_of_the_token(
    wheels: dict[str, Path], issuer: str, access_token: Any, alice: Any, tmp_path: Path
) -> None:
    """RFC 9110 §15.6.4: the token may be valid, so the client must keep it."""
    environment = Environment.make(tmp_path / "alone")
    environment.install(wheels[RESOURCE_SERVER])
    request = {"headers": {"Authorization": f"Bearer {access_token(alice, audience=(f'{issuer}/api/v1',))}"}}
    given = asked([request], issuer, [], JWKS_URI="http://127.0.0.1:9/jwks")
    result = json.loads(environment.run(PROGRAMS / "no_framework.py", asked=given))
    assert result["answers"][0]["status"] == 503
    assert issuer in result["answers"][0]["body"]["error_description"]
