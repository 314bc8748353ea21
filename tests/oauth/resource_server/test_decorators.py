"""`needs_token`: a view of Django, also an asynchronous one, behind an access token."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import JsonResponse
from django.middleware.cache import FetchFromCacheMiddleware, UpdateCacheMiddleware
from django.test import AsyncRequestFactory, RequestFactory
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from oauth.conf import conf
from oauth.models import Authorization
from oauth.resource_server import JWTBearer, needs_token, require_authentication, require_scopes
from tests.lib import dpop

pytestmark = pytest.mark.django_db
PATH = "/api/v1/orders"


@needs_token("accounts:read")
def orders(request):
    return JsonResponse({"user": request.token.claims.user_id})


@needs_token("accounts:read")
async def orders_later(request):
    return JsonResponse({"user": request.token.claims.user_id})


def ask(view, **headers):
    return view(RequestFactory().get(PATH, headers=headers))


def ask_later(view, **headers):
    async def answer():
        response = await view(AsyncRequestFactory().get(PATH, headers=headers))
        await sync_to_async(connections.close_all)()  # the connection of the thread in which the check runs
        return response

    return asyncio.run(answer())


# The check of an asynchronous view runs in a thread, which does not see the transaction of the test.
VIEWS = pytest.mark.parametrize(
    ("get", "view"),
    [(ask, orders), pytest.param(ask_later, orders_later, marks=pytest.mark.django_db(transaction=True))],
    ids=["sync", "async"],
)


@VIEWS
def test_a_token_with_the_scope_opens_the_view(get, view, access_token, alice):
    answer = get(view, Authorization=f"Bearer {access_token(alice)}")
    assert (answer.status_code, answer.content.decode()) == (200, f'{{"user": "{alice.pk}"}}')


@VIEWS
def test_without_a_token_the_challenge_names_both_schemes(get, view, signing_keys):
    """RFC 6750 §3.1: the challenge has no error code."""
    answer = get(view)
    challenge = answer["WWW-Authenticate"]
    assert answer.status_code == 401
    assert "Bearer resource_metadata=" in challenge
    assert "DPoP resource_metadata=" in challenge
    assert challenge.count('scope="accounts:read"') == 2
    assert "error=" not in challenge


@VIEWS
def test_a_client_with_an_invalid_token_learns_which_scope_to_request(get, view, signing_keys):
    """RFC 6750 §3."""
    answer = get(view, Authorization="Bearer x.y.z")
    assert answer.status_code == 401
    assert 'scope="accounts:read"' in answer["WWW-Authenticate"]


@VIEWS
def test_the_refusal_of_a_token_names_the_missing_scope(get, view, access_token, alice):
    """ASVS 5.0 10.3.2, RFC 6750 §3.1."""
    answer = get(view, Authorization=f"Bearer {access_token(alice, 'balances:read')}")
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]
    assert 'scope="accounts:read"' in answer["WWW-Authenticate"]


@VIEWS
@pytest.mark.parametrize(
    "claims",
    [
        {"issuer": "https://other.example"},
        {"audience": ("https://other.example",)},
        {"expires_at": timezone.now() - timedelta(hours=1)},
        {"confirmation": {"jkt": "of-another-key"}},
        {"confirmation": {"x5t#S256": "of-another-certificate"}},
    ],
    ids=["issuer", "audience", "expiry", "dpop", "certificate"],
)
def test_every_rule_holds(get, view, access_token, alice, claims):
    """RFC 9068 §4, RFC 9449 §7.1, RFC 8705 §3."""
    answer = get(view, Authorization=f"Bearer {access_token(alice, **claims)}")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_revoked_token_is_refused(issued, mobile_app, settings):
    token = issued(mobile_app)["access_token"]
    assert ask(orders, Authorization=f"Bearer {token}").status_code == 200
    Authorization.objects.get().revoke(Authorization.RevocationReason.USER)
    settings.OAUTH = {**settings.OAUTH}  # clears the list, which is cached for a second
    assert ask(orders, Authorization=f"Bearer {token}").status_code == 401


@VIEWS
def test_a_bound_token_comes_with_a_proof_and_gets_the_next_nonce(get, view, access_token, alice):
    """RFC 9449 §7.1, §8.2."""
    token = access_token(alice, confirmation={"jkt": dpop.KEY.jwk.thumbprint()})
    url = f"{conf.ISSUER}{PATH}"
    bound = {"Authorization": f"DPoP {token}"}
    answer = get(view, **bound, DPoP=dpop.proof(method="GET", url=url, token=token))
    assert answer.status_code == 200
    assert answer["DPoP-Nonce"]
    old = get(view, **bound, DPoP=dpop.proof(method="GET", url=url, token=token, nonce="old"))
    assert old.status_code == 401
    assert 'DPoP error="use_dpop_nonce"' in old["WWW-Authenticate"]
    assert old["DPoP-Nonce"] == answer["DPoP-Nonce"]


class Orders(APIView):
    authentication_classes = [JWTBearer]
    required_scopes = {"GET": ["accounts:read"]}

    def get(self, request):
        return Response({"user": request.auth.claims.user_id})


@pytest.mark.parametrize("view", [orders, Orders.as_view()], ids=["needs_token", "JWTBearer"])
def test_djangos_cache_gives_no_answer_that_the_token_would_not_get(view, access_token, alice):
    """With the per-site cache of Django, a second request with the token of the first was not verified."""
    cached = UpdateCacheMiddleware(FetchFromCacheMiddleware(view))
    token = access_token(alice, confirmation={"jkt": dpop.KEY.jwk.thumbprint()})
    bound = {"Authorization": f"DPoP {token}"}
    proof = dpop.proof(method="GET", url=f"{conf.ISSUER}{PATH}", token=token)
    first = ask(cached, **bound, DPoP=proof)
    if not getattr(first, "is_rendered", True):  # the cache stores it then
        first.render()
    assert first.status_code == 200
    assert ask(cached, **bound).status_code == 401


def test_a_refusal_of_the_view_itself_is_answered_with_its_challenge(access_token, alice):
    @needs_token("accounts:read")
    def pay(request):
        require_authentication(request.token, max_age=timedelta(minutes=5))
        require_scopes(request.token, ["transfers:write"])

    header = {"Authorization": f"Bearer {access_token(alice, auth_time=timezone.now() - timedelta(hours=1))}"}
    assert 'error="insufficient_user_authentication"' in ask(pay, **header)["WWW-Authenticate"]
    assert ask(pay, Authorization=f"Bearer {access_token(alice)}").status_code == 403


def test_no_cookie_counts_so_no_csrf_token_is_asked_for(access_token, alice):
    assert orders.csrf_exempt
    assert orders_later.csrf_exempt


@pytest.mark.parametrize("scopes", [(), (lambda request: None,)], ids=["none", "no parentheses"])
def test_a_decorator_without_scopes_fails_at_once(scopes):
    with pytest.raises(TypeError, match="must name the scopes"):
        needs_token(*scopes)
