"""Clients whose client_id is the URL of their metadata (draft-ietf-oauth-client-id-metadata-document)."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.utils import timezone

from oauth.clients.registration import ceiling, fetched_document
from oauth.clients.registration.fetched_document import Document
from oauth.infrastructure.outbound import OutboundError
from oauth.models import AuditEvent, Authorization, Client
from tests.lib.client_keys import ClientKey, by
from tests.lib.oauth_client import CHALLENGE, authorization_url, callback, decide

pytestmark = pytest.mark.django_db

ADDRESS = "https://app.example/client.json"
DOCUMENT = {
    "client_id": ADDRESS,
    "client_name": "An app of the web",
    "redirect_uris": ["https://app.example/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
    "scope": "accounts:read",
}
KEY, OTHER_KEY = ClientKey(kid="first"), ClientKey(kid="second")
KEYS = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.public]}}


@pytest.fixture
def web(settings, monkeypatch):
    """Replaces the fetch by a dict of documents, and counts the fetches. test_fetched_document.py tests the fetch
    itself.
    """

    class World(dict):
        fetched = 0

    world = World({ADDRESS: DOCUMENT})

    def fetch(client_id):
        world.fetched += 1
        if client_id not in world:
            raise OutboundError("no such document")
        return Document(world[client_id], timedelta(minutes=10))

    monkeypatch.setattr(fetched_document, "fetch", fetch)
    settings.OAUTH = {**settings.OAUTH, "ALLOW_CLIENT_ID_METADATA_DOCUMENTS": True}
    return world


def ask(browser, address=ADDRESS):
    return browser.get(authorization_url(Client(client_id=address)))


def test_off_by_default(browser, db):
    assert ask(browser).status_code == 400
    assert not Client.objects.exists()


def test_an_unknown_app_describes_itself_and_is_shown_as_unchecked(browser, web, token_endpoint):
    page = ask(browser)
    assert b"An app of the web" in page.content
    assert b"We have not checked it" in page.content
    client = Client.objects.get()
    assert (client.registration_source, client.is_public, client.allowed_scopes) == ("cimd", True, ["accounts:read"])
    answer = token_endpoint.redeem(client, callback(decide(browser, page))["code"])
    assert answer.status_code == 200


def test_a_document_is_kept_as_long_as_it_says(browser, web):
    ask(browser)
    ask(browser)
    assert web.fetched == 1
    web[ADDRESS] = {**DOCUMENT, "client_name": "Renamed"}
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        ask(browser)
    assert (web.fetched, Client.objects.get().name) == (2, "Renamed")


@pytest.mark.parametrize(
    "document",
    [
        {**DOCUMENT, "client_id": "https://other.example/client.json"},
        {**DOCUMENT, "redirect_uris": []},
        {**DOCUMENT, "redirect_uris": ["http://app.example/callback"]},
        {**DOCUMENT, "token_endpoint_auth_method": "client_secret_basic"},
        {**DOCUMENT, "client_secret": "x"},
        {**DOCUMENT, "client_secret_expires_at": 0},
        {**DOCUMENT, "grant_types": ["client_credentials"]},
        {**DOCUMENT, "scope": "nonsense"},
    ],
)
def test_a_wrong_document_is_an_unknown_app_and_the_log_says_why(browser, web, document, caplog):
    web[ADDRESS] = document
    assert ask(browser).status_code == 400
    assert not Client.objects.exists()
    [told] = [one for one in caplog.records if one.msg == "client ID metadata document not usable"]
    assert told.document == ADDRESS
    assert told.reason


@pytest.mark.parametrize(
    "more", ["client_credentials", "urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:device_code",
             "urn:ietf:params:oauth:grant-type:token-exchange"],
)  # fmt: skip
def test_a_document_cannot_enable_other_grant_types(browser, web, more):
    """RFC 9700 §2.1: nobody has checked such a client."""
    web[ADDRESS] = {**DOCUMENT, "grant_types": ["authorization_code", more, "refresh_token"], **KEYS}
    assert ask(browser).status_code == 200
    assert Client.objects.get().grant_types == ["authorization_code", "refresh_token"]


def test_a_client_that_got_other_grants_from_a_document_before_loses_them(browser, web):
    ask(browser)
    Client.objects.update(grant_types=["authorization_code", "urn:openid:params:grant-type:ciba"])
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        ask(browser)
    assert Client.objects.get().grant_types == ["authorization_code", "refresh_token"]


def test_a_document_without_scope_is_not_for_all_of_them(browser, web):
    web[ADDRESS] = {name: value for name, value in DOCUMENT.items() if name != "scope"}
    ask(browser)
    assert Client.objects.get().allowed_scopes == ["openid", "profile", "email", "offline_access"]


def test_what_an_admin_took_from_a_document_it_does_not_take_back(browser, web):
    ask(browser)
    client = Client.objects.get()
    client.allowed_scopes = []
    ceiling.keep_to(client, ["allowed_scopes"])
    client.save()
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        ask(browser)
    assert (web.fetched, Client.objects.get().allowed_scopes) == (2, [])


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"client_name": "Renamed"}, True),
        ({"redirect_uris": ["https://app.example/callback", "https://evil.example/callback"]}, True),
        ({"jwks": {"keys": [OTHER_KEY.public]}}, True),
        ({"jwks": {"keys": [KEY.public, OTHER_KEY.public]}}, True),
        ({"token_endpoint_auth_method": "none"}, True),
        ({"redirect_uris": ["https://app.example/callback", "https://app.example/other"]}, False),
        ({"scope": "accounts:read balances:read"}, False),
    ],
)
def test_a_changed_document_revokes_earlier_authorizations(browser, web, token_endpoint, change, ends):
    """A new owner of the domain must not inherit authorizations (draft-ietf-oauth-client-id-metadata-document §6)."""
    web[ADDRESS] = {**DOCUMENT, **KEYS}
    assert "code" in callback(decide(browser, ask(browser)))
    assert ask(browser).status_code == 303
    web[ADDRESS] = {**DOCUMENT, **KEYS, **change}
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        assert ask(browser).status_code == (200 if ends else 303)
    ended = Authorization.objects.filter(revoked_at__isnull=False)
    assert {one.revocation_reason for one in ended} == ({"client_changed"} if ends else set())
    assert ended.count() == (2 if ends else 0)
    assert AuditEvent.objects.filter(action="revoked").exists() == ends


def pushed(token_endpoint, key):
    body = {
        "response_type": "code", "client_id": ADDRESS, "redirect_uri": DOCUMENT["redirect_uris"][0], "scope": "accounts:read",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", **by(key.assertion(ADDRESS)),
    }  # fmt: skip
    return token_endpoint.send(urlencode(body), endpoint="/oauth/par")


def test_an_unknown_app_may_push_its_first_request(web, token_endpoint):
    """RFC 9126 §2: the pushed request, and not the user's browser, is then the first contact with the client."""
    web[ADDRESS] = {**DOCUMENT, **KEYS}
    assert pushed(token_endpoint, KEY).status_code == 201
    assert pushed(token_endpoint, OTHER_KEY).json()["error"] == "invalid_client"
    assert (web.fetched, Client.objects.get().name) == (1, "An app of the web")


def test_an_app_authenticates_with_a_key_that_its_document_has_since(web, token_endpoint):
    web[ADDRESS] = {**DOCUMENT, **KEYS}
    assert pushed(token_endpoint, KEY).status_code == 201
    web[ADDRESS] = {**DOCUMENT, **KEYS, "jwks": {"keys": [OTHER_KEY.public]}}
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        assert pushed(token_endpoint, OTHER_KEY).status_code == 201
        assert pushed(token_endpoint, KEY).json()["error"] == "invalid_client"


def test_an_address_that_fails_is_left_alone_for_a_while(browser, web):
    for _ in range(3):
        assert ask(browser, "https://nowhere.example/client.json").status_code == 400
    assert web.fetched == 1


def test_a_document_never_takes_over_a_client_of_an_admin(browser, web, mobile_app):
    mobile_app.client_id = ADDRESS
    mobile_app.save()
    assert ask(browser).status_code == 200
    assert (web.fetched, Client.objects.get().name) == (0, mobile_app.name)
