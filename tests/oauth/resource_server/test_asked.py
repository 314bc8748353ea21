"""Several APIs in one program: the challenge and the DPoP proof of a request must match the API that was called."""

import pytest
from django.http import JsonResponse
from django.test import RequestFactory
from rest_framework.response import Response

from oauth.conf import conf
from oauth.resource_server import needs_token
from oauth.resource_server.asked import asked_resource
from oauth.resource_server.challenges import InsufficientUserAuthentication
from oauth.resource_server.views import TokenView
from tests.lib import dpop

pytestmark = pytest.mark.django_db

FIRST, SECOND, DEEP, OTHER = (
    "https://testserver/api/v1", "https://pay.example/v2", "https://pay.example/v2/deep", "https://other.example/v2",
)  # fmt: skip


@pytest.fixture(autouse=True)
def several(settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.OAUTH = {**settings.OAUTH, "AUDIENCES": [FIRST, SECOND, DEEP, OTHER]}


@needs_token("accounts:read")
def plain(request):
    return JsonResponse({})


class View(TokenView):
    required_scopes = ["accounts:read"]

    def get(self, request):
        return Response({})

    def post(self, request):
        raise InsufficientUserAuthentication(acr_values=["strong"], max_age=None)


VIEWS = pytest.mark.parametrize("view", [plain, View.as_view()], ids=["decorator", "TokenView"])


def ask(view, path, host, method="get", **headers):
    return getattr(RequestFactory(), method)(path, headers=headers, HTTP_HOST=host), view


def answered(view, path, host, method="get", **headers):
    request, view = ask(view, path, host, method, **headers)
    return view(request)


def metadata_url(resource):
    host, _, path = resource.removeprefix("https://").partition("/")
    return f"https://{host}/.well-known/oauth-protected-resource/{path}"


@pytest.mark.parametrize(
    ("path", "host", "resource"),
    [("/api/v1/accounts", "testserver", FIRST), ("/api/v1", "testserver", FIRST), ("/v2/x", "pay.example", SECOND),
     ("/v2", "PAY.example:443", SECOND), ("/v2/deep/x", "pay.example", DEEP), ("/v2/deeper", "pay.example", SECOND),
     ("/v2/x", "other.example", OTHER), ("/v2/deep/x", "other.example", OTHER), ("/v2/x", "unknown.example", SECOND),
     ("/elsewhere", "testserver", FIRST), ("/elsewhere", "unknown.example", FIRST), ("/elsewhere", "other.example", OTHER)],
)  # fmt: skip
def test_the_path_and_then_the_host_say_which_api_is_asked(path, host, resource):
    assert asked_resource(RequestFactory().get(path, HTTP_HOST=host)) == resource


@VIEWS
@pytest.mark.parametrize(
    ("path", "host", "resource"),
    [("/api/v1/x", "testserver", FIRST), ("/v2/x", "pay.example", SECOND), ("/v2/x", "other.example", OTHER)],
)
def test_a_challenge_names_the_metadata_of_the_api_that_was_asked(
    view, path, host, resource, client, access_token, alice, signing_keys
):
    """RFC 9728 §3.3, §5.1: a client must refuse the metadata of another resource."""
    named = f'resource_metadata="{metadata_url(resource)}"'
    for token, status in (
        (None, 401),
        ("not.a.token", 401),
        (access_token(alice, "balances:read", audience=(resource,)), 403),
    ):
        answer = answered(view, path, host, **({"Authorization": f"Bearer {token}"} if token else {}))
        assert answer.status_code == status
        assert answer["WWW-Authenticate"].count("resource_metadata=") == answer["WWW-Authenticate"].count(named) > 0
    document = client.get(metadata_url(resource).removeprefix(f"https://{host}"), HTTP_HOST=host).json()
    assert document["resource"] == resource


def test_a_refusal_by_the_view_itself_names_it_too(access_token, alice):
    token = access_token(alice, audience=(SECOND,))
    answer = answered(View.as_view(), "/v2/x", "pay.example", "post", Authorization=f"Bearer {token}")
    assert metadata_url(SECOND) in answer["WWW-Authenticate"]


@VIEWS
@pytest.mark.parametrize(("url", "status"), [(f"{SECOND}/x", 200), (f"{FIRST}/x", 401), (f"{OTHER}/x", 401)])
def test_a_dpop_proof_is_for_the_url_of_the_api_that_was_asked(view, url, status, access_token, alice):
    """RFC 9449 §4.3 (9): `htu` is the URL of the request, even if the API is on another host."""
    token = access_token(alice, audience=(SECOND,), confirmation={"jkt": dpop.KEY.jwk.thumbprint()})
    proof = dpop.proof(method="GET", url=url, token=token)
    answer = answered(view, "/v2/x", "pay.example", Authorization=f"DPoP {token}", DPoP=proof)
    assert answer.status_code == status, answer["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("path", "htu", "status"),
    [("/v2/é x", "/v2/%C3%A9%20x", 200), ("/v2/é x", "/v2/%c3%a9%20x", 200), ("/v2/a:b", "/v2/a%3Ab", 200),
     ("/v2/~a", "/v2/%7Ea", 200), ("/v2/é", "/v2/%C3%A8", 401)],
)  # fmt: skip
def test_the_url_of_a_proof_may_be_percent_encoded(path, htu, status, access_token, alice):
    """RFC 9449 §4.3 (9), RFC 3986 §6.2.2."""
    token = access_token(alice, audience=(SECOND,), confirmation={"jkt": dpop.KEY.jwk.thumbprint()})
    proof = dpop.proof(method="GET", url=f"https://pay.example{htu}", token=token)
    answer = answered(plain, path, "pay.example", Authorization=f"DPoP {token}", DPoP=proof)
    assert answer.status_code == status, answer["WWW-Authenticate"]


def test_user_info_has_no_metadata_document(client, signing_keys):
    """RFC 9728 §3.3: the metadata of the API would describe another resource. RFC 6750 §3: the challenge Bearer must
    have a parameter.
    """
    challenge = client.get("/oauth/userinfo")["WWW-Authenticate"]
    assert challenge.startswith(f'Bearer realm="{conf.ISSUER}", DPoP realm="{conf.ISSUER}", algs=')
    assert "resource_metadata" not in challenge
