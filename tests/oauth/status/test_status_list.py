"""The Token Status List (draft-ietf-oauth-status-list): a revocation reaches every resource server within seconds."""

import time
import zlib
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from oauth import keys
from oauth.conf import conf
from oauth.errors import TemporarilyUnavailable
from oauth.infrastructure import caches
from oauth.models import Authorization, Client, RevokedStatus
from oauth.resource_server import status as reader
from oauth.status import published_lists
from oauth.tokens import status_list
from oauth.tokens.status_list import STATUS_LIST_SIZE
from tests.lib.oauth_client import decoded

pytestmark = pytest.mark.django_db

ACCOUNTS = "/api/v1/accounts"


def read_list(client, uri):
    """Reads the list as another resource server would (§8)."""
    answer = client.get(uri.removeprefix(conf.ISSUER))
    assert answer["Content-Type"] == "application/statuslist+jwt"
    header = jwt.get_unverified_header(answer.content)
    key = jwt.PyJWKSet.from_dict(keys.published_jwks())[header["kid"]]
    claims = jwt.decode(answer.content, key, algorithms=[header["alg"]])
    assert header["typ"] == "statuslist+jwt"
    assert claims["sub"] == uri
    assert claims["status_list"]["bits"] == 1
    return claims, zlib.decompress(jwt.utils.base64url_decode(claims["status_list"]["lst"]))


def bit(array, index):
    return array[index // 8] >> index % 8 & 1


def later():
    """Moves the time by a few seconds, so that the cached lists are outdated."""
    caches.clear()


def test_a_revoked_authorization_sets_its_bit_and_no_other(client, issued, mobile_app):
    first, second = (decoded(issued(mobile_app)["access_token"])["status"]["status_list"] for _ in range(2))
    claims, array = read_list(client, first["uri"])
    assert (bit(array, first["idx"]), bit(array, second["idx"])) == (0, 0)
    assert (claims["ttl"], claims["exp"] - claims["iat"]) == (5, 300)
    index = status_list.number_of(first["uri"], issuer=conf.ISSUER) * STATUS_LIST_SIZE + first["idx"]
    Authorization.objects.filter(status_index=index).revoke(Authorization.RevocationReason.USER)
    later()
    _, array = read_list(client, first["uri"])
    assert (bit(array, first["idx"]), bit(array, second["idx"])) == (1, 0)


def test_the_api_refuses_a_revoked_token_within_seconds(api, issued, mobile_app):
    """This applies to reads, not only to payments."""
    token = issued(mobile_app)["access_token"]
    caller = api(token)
    assert caller.get(ACCOUNTS).status_code == 200
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    assert caller.get(ACCOUNTS).status_code == 200  # the cached list of this process is still fresh
    later()
    answer = caller.get(ACCOUNTS)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize("how", ["row update", "deleted", "client deleted", "client disabled", "person disabled"])
def test_whatever_ends_it_the_bit_is_set(api, issued, mobile_app, alice, how):
    token = issued(mobile_app)["access_token"]
    match how:
        case "row update":  # by a direct SQL statement
            Authorization.objects.update(revoked_at=timezone.now(), revocation_reason="admin")
        case "deleted":
            Authorization.objects.all().delete()
        case "client deleted":
            mobile_app.delete()
        case "client disabled":
            Client.objects.update(is_active=False)
        case "person disabled":
            type(alice).objects.update(is_active=False)
    later()
    assert api(token).get(ACCOUNTS).status_code == 401


def test_a_client_that_comes_back_is_accepted_again(api, issued, mobile_app):
    token = issued(mobile_app)["access_token"]
    Client.objects.update(is_active=False)
    later()
    assert api(token).get(ACCOUNTS).status_code == 401
    Client.objects.update(is_active=True)
    later()
    assert api(token).get(ACCOUNTS).status_code == 200


def test_a_client_that_acts_on_its_own_behalf_has_a_bit_too(client, service, token_endpoint):
    token = token_endpoint.post(service, grant_type="client_credentials").json()["access_token"]
    reference = decoded(token)["status"]["status_list"]
    assert bit(read_list(client, reference["uri"])[1], reference["idx"]) == 0
    Client.objects.filter(pk=service.pk).update(is_active=False)
    later()
    assert bit(read_list(client, reference["uri"])[1], reference["idx"]) == 1


def test_a_list_that_has_not_changed_is_not_sent_again(client, issued, mobile_app):
    uri = decoded(issued(mobile_app)["access_token"])["status"]["status_list"]["uri"].removeprefix(conf.ISSUER)
    first = client.get(uri)
    assert first["Cache-Control"] == "public, max-age=5"
    assert "Pragma" not in first
    assert client.get(uri, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_each_server_has_the_same_validator_until_the_list_must_be_signed_again(index, client):
    """RFC 9110 §8.8.1: a cache asks any server whether its copy is still good."""
    half = conf.STATUS_LIST_MAX_AGE.total_seconds() / 2
    begins = (time.time() // half + 1) * half
    with time_machine.travel(begins + 10, tick=False) as clock:
        first = client.get("/oauth/status/0")
        published_lists.lists.clear()  # as another process
        clock.shift(20)
        second = client.get("/oauth/status/0", headers={"If-None-Match": first["ETag"]})
        assert (second.status_code, second["ETag"]) == (304, first["ETag"])
        assert client.get("/oauth/status/0").content != first.content
        published_lists.lists.clear()
        clock.shift(half)
        assert client.get("/oauth/status/0", headers={"If-None-Match": first["ETag"]}).status_code == 200
        RevokedStatus.objects.create(index=3)
        third = client.get("/oauth/status/0")["ETag"]
        published_lists.lists.clear()
        assert client.get("/oauth/status/0")["ETag"] != third


@pytest.mark.parametrize("number", ["1", "99999999999999999999"])
def test_a_list_that_no_token_names_is_not_there(client, db, number):
    assert client.get(f"/oauth/status/{number}").status_code == 404
    assert client.get(f"/oauth/status/{number}")["Content-Type"] == "application/json"


@pytest.fixture
def full_first_list(db):
    """The first list has no index left. A sequence is outside of transactions, so it is set back for the next test."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM oauth_status_index")
        before = cursor.fetchone()[0]
        cursor.execute("SELECT setval('oauth_status_index', %s)", [STATUS_LIST_SIZE - 1])
        yield
        cursor.execute("SELECT setval('oauth_status_index', %s)", [before])


def test_lists_follow_one_another(client, mobile_app, alice, full_first_list):
    authorization = Authorization.objects.create(
        user=alice, client=mobile_app, expires_at=timezone.now() + timedelta(1)
    )
    assert authorization.status_index == STATUS_LIST_SIZE
    authorization.revoke(Authorization.RevocationReason.ADMIN)
    reference = status_list.reference(authorization.status_index, issuer=conf.ISSUER)
    assert reference == {"idx": 0, "uri": f"{conf.ISSUER}/oauth/status/1"}
    assert bit(read_list(client, reference["uri"])[1], 0) == 1


def test_a_database_that_is_away_leaves_the_list_for_a_while(issued, mobile_app, monkeypatch):
    issued(mobile_app)
    known = published_lists.published(0)

    def away(number):
        raise OperationalError

    monkeypatch.setattr(published_lists, "_ended", away)
    old = replace(known, made_at=known.made_at - 60)
    published_lists.lists._values[0] = old
    assert published_lists.published(0) is old
    published_lists.lists._values[0] = replace(known, made_at=known.made_at - 301)
    with pytest.raises(OperationalError):
        published_lists.published(0)


def test_a_list_that_is_read_all_the_time_and_never_changes_is_signed_again_before_it_expires(index, monkeypatch):
    first = published_lists.published(0).jwt
    began, now = timezone.now(), time.monotonic()
    for seconds in range(5, 400, 5):
        monkeypatch.setattr(published_lists.time, "monotonic", lambda at=now + seconds: at)
        with time_machine.travel(began + timedelta(seconds=seconds), tick=False):
            text = published_lists.published(0).jwt.text
            left = jwt.decode(text, options={"verify_signature": False})["exp"] - timezone.now().timestamp()
            assert left >= 145, seconds
    assert text != first.text


def test_a_list_that_no_key_can_sign_now_still_ends_tokens_on_this_site(index, client, monkeypatch):
    """A key store cannot be reached."""
    path = "/oauth/status/0"
    before = client.get(path).content

    def away(*args):
        raise TemporarilyUnavailable("away")

    monkeypatch.setattr(published_lists, "_sign", away)
    RevokedStatus.objects.create(index=3)
    published_lists.lists._values[0] = replace(published_lists.published(0), made_at=time.monotonic() - 6)
    assert bit(published_lists.bits(0), 3)
    assert client.get(path).content == before
    later()
    assert bit(published_lists.bits(0), 3)
    answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    monkeypatch.undo()
    published_lists.lists._values[0] = replace(published_lists.published(0), made_at=time.monotonic() - 6)
    assert client.get(path).content != before


# --- the format, which both sides share


def test_bits_go_there_and_back():
    array = status_list.bits([0, 7, 8, 65_535])
    assert (array[0], array[1], array[-1]) == (0b1000_0001, 1, 0b1000_0000)
    assert status_list.from_claim(status_list.to_claim(array)) == array


@pytest.mark.parametrize(
    "claim",
    [{}, {"bits": 1, "lst": "!"}, {"bits": 1, "lst": "eJw"}, {"bits": 2, **status_list.to_claim(bytes(8192))} | {"bits": 2},
     {"bits": 1, "lst": jwt.utils.base64url_encode(zlib.compress(bytes(10_000_000))).decode()}],
)  # fmt: skip
def test_a_malformed_list_is_refused_and_a_compression_bomb_is_not_decompressed(claim):
    with pytest.raises(ValueError, match="status list"):
        status_list.from_claim(claim)


@pytest.mark.parametrize(
    "status",
    [{"uri": "https://evil.example/oauth/status/0", "idx": 0}, {"uri": 1, "idx": 0}, {"idx": 0}, {"uri": "URI"},
     {"uri": "URI", "idx": -1}, {"uri": "URI", "idx": 65_536}, {"uri": "URI", "idx": "0"}, {"uri": "URI/../0", "idx": 0}],
)  # fmt: skip
def test_a_token_that_names_no_bit_of_ours_is_refused(api, access_token, alice, status):
    """The API refuses such a token, and never fetches any other lists than those of the issuer."""
    status = {name: value.replace("URI", f"{conf.ISSUER}/oauth/status/0") if isinstance(value, str) else value
              for name, value in status.items()}  # fmt: skip
    assert api(access_token(alice, status=status)).get(ACCOUNTS).status_code == 401


# --- a resource server elsewhere


@pytest.fixture
def elsewhere(settings, listener, signing_keys):
    """Reads the list over HTTP from an issuer that a test controls."""
    settings.OAUTH = {
        **settings.OAUTH,
        "ISSUER": f"http://{listener.host}",
        "STATUS_LISTS": "",
        "STATUS_LIST_REFRESH": timedelta(0),
    }
    listener.body = published_lists.published(0).jwt.text.encode()
    return listener


def claims_with(index):
    class Claims:
        status = {"uri": f"{conf.ISSUER}/oauth/status/0", "idx": index}

    return Claims


@pytest.fixture
def index(mobile_app):
    return mobile_app.status_index  # starts the sequence, so that list 0 exists


def test_the_list_is_fetched_and_followed(index, elsewhere):
    reader.require_valid(claims_with(3))
    assert elsewhere.received[0][1] == "/oauth/status/0"
    RevokedStatus.objects.create(index=3)
    later()
    elsewhere.body = published_lists.published(0).jwt.text.encode()
    with pytest.raises(reader.InvalidToken):
        reader.require_valid(claims_with(3))


def test_a_list_signed_by_another_key_makes_it_read_the_keys_again(index, elsewhere, monkeypatch):
    """Even if it already has the new key, it would otherwise keep the withdrawn key for up to a minute. A process of
    the issuer may still publish the old set, so the keys are read again with each list for a while.
    """
    read = []
    monkeypatch.setattr(reader, "drop_withdrawn", lambda: read.append(1))
    reader.require_valid(claims_with(3))
    assert read == []
    keys.rotation.replace_now(conf.SIGNING_ALGORITHM)
    published_lists.lists.clear()
    elsewhere.body = published_lists.published(0).jwt.text.encode()
    for _ in range(2):
        reader.require_valid(claims_with(3))
    assert len(read) == 2
    now = reader.time.monotonic()
    monkeypatch.setattr(reader.time, "monotonic", lambda: now + reader.NEW_KEY_SECONDS)
    reader.require_valid(claims_with(3))
    assert len(read) == 2


def test_an_issuer_that_is_away_is_forgiven_for_five_minutes(index, elsewhere, monkeypatch):
    reader.require_valid(claims_with(3))
    elsewhere.status = 500
    reader.require_valid(claims_with(3))
    now = reader.time.monotonic()
    monkeypatch.setattr(reader.time, "monotonic", lambda: now + 301)
    with pytest.raises(reader.TemporarilyUnavailable):
        reader.require_valid(claims_with(3))


def test_without_any_status_list_no_token_is_accepted(index, elsewhere):
    elsewhere.status = 500
    with pytest.raises(reader.TemporarilyUnavailable):
        reader.require_valid(claims_with(3))


@pytest.mark.parametrize("body", [b"nonsense", b"a.b.c", "another list", "changed"])
def test_a_list_that_is_not_the_issuers_is_not_believed(index, elsewhere, body):
    if body == "another list":
        body = published_lists._sign(1, bytes(8192)).encode()
    elsewhere.body = elsewhere.body[:-8] + b"AAAAAAAA" if body == "changed" else body
    with pytest.raises(reader.TemporarilyUnavailable):
        reader.require_valid(claims_with(3))


def test_the_api_says_try_again_where_nobody_can_tell(api, alice, access_token, elsewhere, index):
    elsewhere.status = 500
    token = access_token(alice, status={"uri": f"{conf.ISSUER}/oauth/status/0", "idx": 3})
    answer = api(token).get(ACCOUNTS)
    assert answer.status_code == 503
    assert answer["Retry-After"]


def test_a_list_is_signed_anew_by_a_new_key(client, issued, mobile_app):
    """A resource server that reads the list finds an unknown `kid`, fetches the JWK Set, and drops withdrawn keys."""
    uri = decoded(issued(mobile_app)["access_token"])["status"]["status_list"]["uri"]
    before = client.get(uri.removeprefix(conf.ISSUER))
    new = keys.rotation.replace_now(conf.SIGNING_ALGORITHM)
    for number, known in published_lists.lists._values.items():
        published_lists.lists._values[number] = replace(known, made_at=time.monotonic() - 6)
    after = client.get(uri.removeprefix(conf.ISSUER), headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert jwt.get_unverified_header(after.content)["kid"] == new.kid
