"""The query of liveness for a statement that acts at once decides as `is_active` does."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from oauth.infrastructure.rows import rows
from oauth.models import Authorization, Client
from oauth.models.client import GrantType
from oauth.status import account_state
from oauth.status.liveness import Named, is_active, is_active_query
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def authorization(alice):
    client = make_client("mobile")
    client.save()
    found = Authorization.objects.create(
        user=alice, client=client, scopes=["accounts:read"], expires_at=timezone.now() + timedelta(days=1)
    )
    found.refresh_from_db()
    return found


def claims_of(authorization):
    now = timezone.now()
    return AccessTokenClaims(
        issuer="https://bank.test", subject=str(authorization.user_id), audience=("https://bank.test/api",),
        client_id=authorization.client.client_id, scopes=frozenset({"accounts:read"}), issued_at=now,
        expires_at=now + timedelta(minutes=5), jti="of-the-tests", authorization_id=str(authorization.pk),
        status=status_list.reference(authorization.status_index, issuer="https://bank.test"),
    )  # fmt: skip


def has_row(names):
    query, parameters = is_active_query(names)
    return bool(rows(f"SELECT is_live FROM ({query}) AS live", parameters))


def end(authorization, how):
    match how:
        case "revoked":
            Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
        case "expired":
            Authorization.objects.update(expires_at=timezone.now())
        # Changes only this row. The site would also revoke the authorization.
        case "user":
            models.QuerySet(get_user_model()).update(is_active=False)
        case "client":
            models.QuerySet(Client).update(is_active=False)
        case "changed":
            Authorization.objects.update(status_index=authorization.status_index + 1)
        case "scope":
            models.QuerySet(Client).update(allowed_scopes=["openid"])


@pytest.mark.parametrize("how", ["not", "revoked", "expired", "user", "client", "changed", "scope"])
def test_a_row_is_there_as_long_as_the_authorization_is_live(authorization, how):
    claims = claims_of(authorization)
    end(authorization, how)
    assert has_row(claims) == is_active(claims) == (how == "not")


def test_names_without_a_status_are_active_as_long_as_their_authorization(authorization):
    """A payment order stores the names of user and client, but no index of a status list."""
    names = Named(authorization.client.client_id, authorization.pk)
    end(authorization, "changed")
    end(authorization, "scope")  # the order checks its scope itself
    assert has_row(names)
    assert is_active(names)


def test_an_exchanged_token_has_no_row(authorization):
    """RFC 8693: whether the exchanging client may still act is checked separately."""
    another = make_client("service", client_id="exchanged-by")
    another.save()
    assert not has_row(replace(claims_of(authorization), client_id=another.client_id))


@pytest.mark.parametrize("whose", ["nobody's", "the app's", "the service's"])
def test_an_exchanged_token_is_active_while_both_clients_may_have_its_scopes(authorization, whose):
    """ASVS 5.0 10.4.11."""
    service = make_client("service", client_id="exchanged-by", grant_types=[GrantType.TOKEN_EXCHANGE.value])
    service.save()
    service.exchange_from.add(authorization.client)
    taken = {"the app's": authorization.client.pk, "the service's": service.pk}
    models.QuerySet(Client).filter(pk=taken.get(whose)).update(allowed_scopes=["openid"])
    assert is_active(replace(claims_of(authorization), client_id=service.client_id)) == (whose == "nobody's")


@pytest.mark.parametrize(
    "claims",
    [
        {"authorization_id": None},
        {"status": {"idx": 1, "uri": "https://other.test/oauth/status/0"}},
        {"status": {"idx": status_list.STATUS_LIST_SIZE, "uri": "https://bank.test/oauth/status/0"}},
        {"status": {"uri": "https://bank.test/oauth/status/0"}},
    ],
)
def test_what_the_query_cannot_say_is_asked_in_the_other_way(authorization, claims):
    assert is_active_query(replace(claims_of(authorization), **claims)) is None


def test_without_a_column_that_says_who_is_active_the_query_does_not_decide(authorization, monkeypatch):
    """`is_active` of a project's user model may be a property."""
    monkeypatch.setattr(account_state, "is_stored", lambda: False)
    assert is_active_query(claims_of(authorization)) is None
