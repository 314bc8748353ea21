"""A code or refresh token is redeemed by the fast path or under a lock. Every refusal is the same in both cases."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from oauth import grants
from oauth.errors import OAuthError
from oauth.grants import GrantRequest, authorization_code
from oauth.grants.redemption import Redemption
from oauth.infrastructure import caches
from oauth.models import AuditEvent, Authorization, AuthorizationCode, Client, RefreshToken
from oauth.parameters import Parameters
from oauth.wiring import token_policy
from tests.lib.oauth_client import VERIFIER, allow

pytestmark = pytest.mark.django_db

KEY, OTHER_KEY = {"jkt": "A" * 43}, {"jkt": "B" * 43}
DETAIL = {"type": "transfer"}


class Redeemer:
    """Sends the token requests of one client to the grants, without HTTP."""

    def __init__(self, grant_type, client, **form):
        self.grant_type, self.client, self.form, self.confirmation = grant_type, client, form, {}

    def __call__(self, **changes):
        confirmation = changes.pop("confirmation", self.confirmation)
        client = changes.pop("client", self.client)
        form = {name: (value,) for name, value in (self.form | changes).items() if value is not None}
        return grants.run(self.grant_type, GrantRequest(client, Parameters(form), token_policy(), confirmation))


@pytest.fixture
def code(browser, mobile_app):
    form = {"redirect_uri": "https://app.example/callback", "code_verifier": VERIFIER}
    return Redeemer("authorization_code", mobile_app, code=allow(browser, mobile_app), **form)


@pytest.fixture
def token(issued, mobile_app):
    return Redeemer("refresh_token", mobile_app, refresh_token=issued(mobile_app)["refresh_token"])


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta))


def change(model, **values):
    model.objects.update(**values)


def deactivate(user):
    type(user).objects.filter(pk=user.pk).update(is_active=False)


def take(client, **values):
    """Takes permissions from the client."""
    for name, value in values.items():
        setattr(client, name, value)


OF_A_CODE = {
    "no code": ("invalid_request", lambda code, **_: code(code=None)),
    "an unknown code": ("invalid_grant", lambda code, **_: code(code="unknown")),
    "no code_verifier": ("invalid_grant", lambda code, **_: code(code_verifier=None)),
    "a malformed code_verifier": ("invalid_grant", lambda code, **_: code(code_verifier="short")),
    "the code_verifier of another request": ("invalid_grant", lambda code, **_: code(code_verifier="z" * 43)),
    "another redirect_uri": ("invalid_grant", lambda code, **_: code(redirect_uri="http://127.0.0.1/callback")),
    "another resource": ("invalid_target", lambda code, **_: code(resource="https://other.example/api")),
    "other details": ("invalid_authorization_details", lambda code, **_: code(authorization_details='[{"type": "x"}]')),
    "details that are no JSON": ("invalid_authorization_details", lambda code, **_: code(authorization_details="[")),
    "another client": ("invalid_grant", lambda code, web_app, **_: code(client=web_app)),
    "a code that was used": ("invalid_grant", lambda code, **_: (code(), code())),
    "a used code of another client": ("invalid_grant", lambda code, web_app, **_: (code(), code(client=web_app))),
    "a code that has expired": ("invalid_grant", lambda code, **_: run_later(code, seconds=61)),
    "a code for another key": (
        "invalid_grant",
        lambda code, **_: (change(AuthorizationCode, dpop_jkt=KEY["jkt"]), code(confirmation=OTHER_KEY)),
    ),
    "a code for a key, without a proof": (
        "invalid_grant",
        lambda code, **_: (change(AuthorizationCode, dpop_jkt=KEY["jkt"]), code()),
    ),
    "a revoked authorization": ("invalid_grant", lambda code, **_: (revoke(), code())),
    "an expired authorization": (
        "invalid_grant",
        lambda code, **_: (change(Authorization, expires_at=timezone.now()), code()),
    ),
    "a deactivated user": ("invalid_grant", lambda code, alice, **_: (deactivate(alice), code())),
    "a client that another process disabled": (
        "invalid_grant",
        lambda code, **_: (change(Client, is_active=False), code()),
    ),
    "a scope that was taken": (
        "invalid_scope",
        lambda code, mobile_app, **_: (take(mobile_app, allowed_scopes=["openid"]), code()),
    ),
    "a resource that was taken": (
        "invalid_target",
        lambda code, mobile_app, **_: (take(mobile_app, allowed_resources=["https://other.example"]), code()),
    ),
    "a details type that was taken": (
        "invalid_authorization_details",
        lambda code, mobile_app, **_: (
            change(Authorization, authorization_details=[DETAIL]),
            take(mobile_app, authorization_details_types=["account_information"]),
            code(),
        ),
    ),
}

OF_A_REFRESH_TOKEN = {
    "no refresh token": ("invalid_request", lambda token, **_: token(refresh_token=None)),
    "an unknown one": ("invalid_grant", lambda token, **_: token(refresh_token="unknown")),
    "another client": ("invalid_grant", lambda token, web_app, **_: token(client=web_app)),
    "more scopes": ("invalid_scope", lambda token, **_: token(scope="accounts:read transfers:write")),
    "another resource": ("invalid_target", lambda token, **_: token(resource="https://other.example/api")),
    "other details": ("invalid_authorization_details", lambda token, **_: token(authorization_details='[{"type": 1}]')),
    "a revoked authorization": ("invalid_grant", lambda token, **_: (revoke(), token())),
    "an expired authorization": (
        "invalid_grant",
        lambda token, **_: (change(Authorization, expires_at=timezone.now()), token()),
    ),
    "a deactivated user": ("invalid_grant", lambda token, alice, **_: (deactivate(alice), token())),
    "a client that another process disabled": (
        "invalid_grant",
        lambda token, **_: (change(Client, is_active=False), token()),
    ),
    "an idle one": ("invalid_grant", lambda token, **_: run_later(token, days=31)),
    "another key": (
        "invalid_grant",
        lambda token, **_: (change(RefreshToken, confirmation=KEY), token(confirmation=OTHER_KEY)),
    ),
    "no proof of its key": ("invalid_grant", lambda token, **_: (change(RefreshToken, confirmation=KEY), token())),
    "a retry without the key of the successor": (
        "invalid_grant",
        lambda token, **_: (token(confirmation=KEY), token()),
    ),
    "a second use after the retry window": (
        "invalid_grant",
        lambda token, **_: (token(), run_later(token, seconds=61)),
    ),
    "a second use after the successor was bound and used": (
        "invalid_grant",
        lambda token, **_: (
            token(refresh_token=token(confirmation=KEY).refresh_token, confirmation=KEY),
            token(confirmation=KEY),
        ),
    ),
    "a second use of another client": ("invalid_grant", lambda token, web_app, **_: (token(), token(client=web_app))),
    "a successor that was given up": (
        "invalid_grant",
        lambda token, **_: (
            lost := token().refresh_token,
            kept := token().refresh_token,
            run_later(token, seconds=61, refresh_token=kept),
            token(refresh_token=lost),
        ),
    ),
    "a scope that was taken": (
        "invalid_scope",
        lambda token, mobile_app, **_: (take(mobile_app, allowed_scopes=["openid"]), token()),
    ),
    "a resource that was taken": (
        "invalid_target",
        lambda token, mobile_app, **_: (take(mobile_app, allowed_resources=["https://other.example"]), token()),
    ),
    "a details type that was taken": (
        "invalid_authorization_details",
        lambda token, mobile_app, **_: (
            change(Authorization, authorization_details=[DETAIL]),
            take(mobile_app, authorization_details_types=["account_information"]),
            token(),
        ),
    ),
}


def run_later(redeem, *, days=0, seconds=0, **changes):
    with later(days=days, seconds=seconds):
        redeem(**changes)


def revoke():
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)


class Ways:
    """Runs a scenario in one way, rolls it back, and returns the answer and the rows that it left."""

    def __init__(self, monkeypatch, clients):
        self._patch, self._clients = monkeypatch, clients
        self.fast_refusals = []

    def __call__(self, way, scenario):
        caches.clear()
        before = [(client, dict(vars(client))) for client in self._clients]
        try:
            with self._patch.context() as patch, transaction.atomic():
                patch.setattr(grants, "_try_fast", lambda grant, request: way == "fast" and grant.try_fast(request))
                if way == "fast":
                    self._watch(patch)
                answer = self._answer(scenario)
                left = self._left()
                transaction.set_rollback(True)
        finally:
            for client, values in before:
                vars(client).clear()
                vars(client).update(values)
        return answer, left

    def _watch(self, patch):
        """Records what the fast path decides."""
        decide = Redemption._decide_for_client

        def watched(redemption, held, request):
            try:
                return decide(redemption, held, request)
            except OAuthError as refusal:
                self.fast_refusals.append(self._told(refusal))
                raise

        patch.setattr(Redemption, "_decide_for_client", watched)

    def _answer(self, scenario):
        try:
            scenario()
        except OAuthError as refusal:
            return self._told(refusal)
        return "tokens"

    def _told(self, refusal):
        return type(refusal), refusal.code, refusal.status, refusal.description, refusal.detail

    def _left(self):
        return (
            list(Authorization.objects.values_list("pk", "revocation_reason")),
            [code.consumed_at is None for code in AuthorizationCode.objects.order_by("pk")],
            [
                (one.generation, one.first_used_at is None, one.superseded_at is None, one.revoked_at is None)
                for one in RefreshToken.objects.order_by("created_at", "pk")
            ],
            list(AuditEvent.objects.order_by("pk").values_list("action", "reason")),
        )


@pytest.fixture
def ways(monkeypatch, mobile_app, web_app):
    return Ways(monkeypatch, [mobile_app, web_app])


def same_both_ways(ways, error, scenario):
    fast, locked = ways("fast", scenario), ways("under the lock", scenario)
    assert fast == locked
    answer, _left = locked
    assert answer[1] == error
    assert set(ways.fast_refusals) <= {answer}, "what the fast way found is what the client is told"


@pytest.mark.parametrize("refusal", OF_A_CODE)
def test_a_code_is_refused_alike(refusal, ways, code, alice, mobile_app, web_app):
    error, scenario = OF_A_CODE[refusal]
    same_both_ways(ways, error, lambda: scenario(code=code, alice=alice, mobile_app=mobile_app, web_app=web_app))


@pytest.mark.parametrize("refusal", OF_A_REFRESH_TOKEN)
def test_a_refresh_token_is_refused_alike(refusal, ways, token, alice, mobile_app, web_app):
    error, scenario = OF_A_REFRESH_TOKEN[refusal]
    same_both_ways(ways, error, lambda: scenario(token=token, alice=alice, mobile_app=mobile_app, web_app=web_app))


@pytest.mark.parametrize("way", ["fast", "under the lock"])
def test_tokens_leave_the_same_both_ways(ways, token, way):
    """A rotation writes three rows: the superseded predecessor, the new successor, and one event."""
    answer, (_, _, tokens, events) = ways(way, token)
    assert answer == "tokens"
    assert tokens == [(0, False, False, True), (1, True, True, True)]
    assert [action for action, _ in events].count(AuditEvent.Action.ISSUED) == 2


@pytest.mark.parametrize("way", ["fast", "under the lock"])
def test_a_superseded_token_of_a_client_that_became_confidential_is_retried(ways, token, web_app, way):
    """Tokens are no longer rotated, so the retry succeeds and ends nothing."""

    def scenario():
        token()
        take(token.client, client_type=Client.CLIENT_CONFIDENTIAL)
        assert token().refresh_token == token.form["refresh_token"]

    answer, (_, _, tokens, _) = ways(way, scenario)
    assert answer == "tokens"
    assert [is_alive for *_, is_alive in tokens] == [True, True]


def test_a_code_that_is_redeemed_between_reading_and_consuming_is_a_replay(monkeypatch, code):
    """RFC 6749 §4.1.2: the fast path gives nothing to the slower of two requests, and the grant under the lock finds
    the reason.
    """
    monkeypatch.setattr(grants, "_try_fast", lambda grant, request: grant.try_fast(request))
    read_unused = code_snapshot().read_unused

    def read_and_wait(*args):
        held = read_unused(*args)
        if held is not None:
            monkeypatch.undo()
            code()  # another request is faster
        return held

    monkeypatch.setattr(code_snapshot(), "read_unused", read_and_wait)
    with pytest.raises(OAuthError, match="already used"):
        code()
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.CODE_REPLAY
    assert RefreshToken.objects.count() == 1


def code_snapshot():

    return authorization_code.grant._snapshot
