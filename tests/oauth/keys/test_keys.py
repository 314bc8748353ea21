"""Signing keys: they are encrypted at rest, change their state at the right time, and there is always one that
signs.
"""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from oauth import keys
from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.keys import encryption, rotation
from oauth.keys.generation import generate
from oauth.models import SigningKey
from oauth.models.signing_key import EMERGENCY_GRACE
from tests.lib.signing_keys import after_an_emergency
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _keys(signing_keys):
    """Creates the first keys for every test."""


def test_the_private_key_is_not_readable_in_the_table():
    for row in SigningKey.objects.all():
        assert b"PRIVATE" not in bytes(row.private_key_encrypted)
        assert "d" not in row.public_jwk


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "RS256"])
def test_a_key_of_each_algorithm_signs_what_its_public_part_verifies(algorithm):
    import jwt

    from oauth.tokens.signing import SigningBackend

    keys.ensure_active_key(algorithm)
    keys.ring.forget()
    token = SigningBackend(typ="JWT", algorithm=algorithm).encode({"a": 1})
    kid = jwt.get_unverified_header(token)["kid"]
    public = jwt.PyJWKSet.from_dict(keys.published_jwks())[kid]
    assert jwt.decode(token, public, algorithms=[algorithm]) == {"a": 1}


def test_older_encryption_keys_still_decrypt(settings):
    old = settings.OAUTH["KEY_ENCRYPTION_KEYS"]
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode(), *old]}
    assert keys.signing_key("ES256")
    assert keys.is_ready()


def test_without_the_right_encryption_key_the_server_is_not_ready(settings):
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
    assert not keys.is_ready()


def test_a_key_signs_only_from_its_time_on_and_is_published_before():
    now = timezone.now()
    coming = generate("ES256")
    coming.active_at = now + timedelta(minutes=2)
    coming.save()
    keys.ring.forget()
    assert coming.kid in {key["kid"] for key in keys.published_jwks()["keys"]}
    assert keys.signing_key("ES256").kid != coming.kid
    assert coming.state == "published"
    with time_machine.travel(now + timedelta(minutes=3)):
        keys.ring.forget()
        assert keys.signing_key("ES256").kid == coming.kid


def test_a_retiring_key_verifies_and_does_not_sign_and_a_retired_one_is_gone():
    now = timezone.now()
    row = SigningKey.objects.get(algorithm="ES256")
    row.retiring_at, row.retired_at = now - timedelta(minutes=1), now + timedelta(minutes=15)
    row.save()
    keys.ring.forget()
    assert row.kid in {key["kid"] for key in keys.published_jwks()["keys"]}
    with pytest.raises(ImproperlyConfigured):
        keys.signing_key("ES256")
    assert not keys.is_ready()
    with time_machine.travel(now + timedelta(minutes=16)):
        keys.ring.forget()
        assert row.kid not in {key["kid"] for key in keys.published_jwks()["keys"]}


@pytest.fixture
def later(monkeypatch):
    """Moves the clock of this process's caches by seconds."""
    monkeypatch.setattr(keys.ring._rings, "_is_fresh", keys.ring._is_fresh)

    def move(seconds):
        now = keys.ring.time.monotonic()
        monkeypatch.setattr(keys.ring.time, "monotonic", lambda: now + seconds)

    return move


def test_the_rows_are_read_again_after_seconds_and_parsed_once(later, django_assert_num_queries, monkeypatch):
    before, jwks = keys.signing_key("ES256"), keys.published_jwks()
    with django_assert_num_queries(0):
        keys.signing_key("ES256")
    later(5)
    monkeypatch.setattr(keys.ring, "_parse", lambda row: pytest.fail("parsed again"))
    with django_assert_num_queries(1):
        assert keys.signing_key("ES256") is before
    assert keys.published_jwks() is jwks


def test_without_the_database_the_keys_in_memory_are_used_for_a_token_lifetime(later, monkeypatch):
    known = keys.signing_key("ES256")

    def away(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(SigningKey.objects, "published", away)
    later(keys.ring.KEPT_SECONDS - 5)
    assert keys.signing_key("ES256") is known
    later(keys.ring.READ_EVERY_SECONDS + 1)
    with pytest.raises(OperationalError):
        keys.signing_key("ES256")


def test_the_times_of_a_key_are_in_order():
    row = SigningKey.objects.get(algorithm="ES256")
    row.active_at = row.published_at - timedelta(seconds=1)
    with pytest.raises(IntegrityError):
        row.save()


@pytest.mark.django_db(transaction=True)
def test_processes_that_start_at_once_make_one_key():
    SigningKey.objects.all().delete()
    made = in_parallel(*[lambda: keys.ensure_active_key("ES256")] * 5)
    assert not [one for one in made if isinstance(one, Exception)]
    assert SigningKey.objects.count() == 1


def kids():
    keys.ring.forget()
    return {key["kid"] for key in keys.published_jwks()["keys"]}


def test_rotation_publishes_first_then_signs_then_retires(access_token, alice, api):
    """A valid token is accepted at every moment of a rotation."""
    from oauth.keys import rotation

    now = timezone.now()
    old = keys.signing_key("ES256").kid
    with time_machine.travel(now, tick=False) as clock:
        new = rotation.rotate("ES256").kid
        assert {old, new} <= kids()
        assert keys.signing_key("ES256").kid == old
        clock.shift(timedelta(seconds=140))
        token_of_old = access_token(alice)
        clock.shift(timedelta(seconds=20))
        keys.ring.forget()
        assert keys.signing_key("ES256").kid == new
        assert api(token_of_old).get("/api/v1/accounts").status_code == 200
        assert api(access_token(alice)).get("/api/v1/accounts").status_code == 200
        clock.shift(timedelta(minutes=16))
        assert old not in kids()
        assert new in kids()


def test_a_new_key_signs_once_every_cache_must_have_it():
    """It waits for the worker's own cache, then a cache that obeys max-age, then the clock skew."""
    wait = 2 * conf.KEY_CACHE_LIFETIME + conf.CLOCK_SKEW
    with time_machine.travel(timezone.now(), tick=False) as clock:
        old, new = keys.signing_key("ES256").kid, rotation.rotate("ES256").kid
        clock.shift(wait - timedelta(seconds=1))
        keys.ring.forget()
        assert keys.signing_key("ES256").kid == old
        clock.shift(timedelta(seconds=1))
        keys.ring.forget()
        assert keys.signing_key("ES256").kid == new


def test_an_emergency_ends_what_the_key_signed(access_token, alice, api):
    from django.core.management import call_command

    token = access_token(alice)
    old = keys.signing_key("ES256").kid
    call_command("rotate_keys", "--emergency", "--algorithm=ES256", verbosity=0)
    with after_an_emergency():
        assert old not in kids()
        assert api(token).get("/api/v1/accounts").status_code == 401
        assert api(access_token(alice)).get("/api/v1/accounts").status_code == 200


def test_an_emergency_rotation_signs_with_the_next_key_and_withdraws_all_others():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        rotation.rotate_where_due()
        clock.shift(timedelta(hours=1))
        before, waiting = keys.signing_key("ES256"), next_key()
        assert rotation.replace_now("ES256").kid == waiting.kid == keys.signing_key("ES256").kid
        clock.shift(EMERGENCY_GRACE)
        keys.ring.forget()
        published = SigningKey.objects.published().filter(algorithm="ES256")
        assert {key.state for key in published} == {"active", "published"}
        assert before.kid not in kids()


def next_key():
    return SigningKey.objects.get(algorithm="ES256", active_at__gt=timezone.now(), retiring_at=None)


def test_an_emergency_takes_no_key_that_was_published_a_moment_ago():
    """A resource server that does not know the key yet would look for it and might get an old JWK Set from a cache."""
    with time_machine.travel(timezone.now(), tick=False):
        rotation.rotate_where_due()
        recent = next_key().kid
        assert rotation.replace_now("ES256").kid != recent
        assert recent not in kids()


def test_an_emergency_rotation_after_a_leak_of_the_next_key_uses_a_new_one():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        rotation.rotate_where_due()
        clock.shift(timedelta(hours=1))
        known, signing = kids(), {keys.signing_key(algorithm).kid for algorithm in SIGNING_ALGORITHMS}
        call_command("rotate_keys", "--emergency", "--next-leaked", verbosity=0)
        assert known & kids() == signing
        clock.shift(EMERGENCY_GRACE)
        keys.ring.forget()
        assert not known & kids()
        assert keys.is_ready()
    with pytest.raises(CommandError, match="needs --emergency"):
        call_command("rotate_keys", "--next-leaked")


def test_a_rotation_lets_the_published_key_sign_at_once():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        rotation.rotate_where_due()
        clock.shift(timedelta(hours=1))
        before = keys.signing_key("ES256").kid
        waiting = next_key()
        assert rotation.rotate("ES256").kid == waiting.kid == keys.signing_key("ES256").kid
        assert before in kids()  # until its last token has expired
        clock.shift(timedelta(minutes=16))
        assert before not in kids()


def test_rotating_twice_leaves_one_that_will_sign():
    rotation.rotate("ES256")
    last = rotation.rotate("ES256")
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        keys.ring.forget()
        assert keys.signing_key("ES256").kid == last.kid
    assert keys.is_ready()


def test_the_next_key_is_published_once_and_takes_over_when_it_is_due():
    """This is true even if the worker that published it no longer runs."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        made = {key.algorithm: key.kid for key in rotation.rotate_where_due()}
        assert set(made) == set(SIGNING_ALGORITHMS)
        assert rotation.rotate_where_due() == []
        assert set(made.values()) < kids()
        due = rotation.next_rotation("ES256")
        clock.shift(due - timezone.now() - timedelta(seconds=1))
        keys.ring.forget()
        assert keys.signing_key("ES256").kid != made["ES256"]
        assert rotation.rotate_where_due() == []
        clock.shift(timedelta(seconds=1))
        keys.ring.forget()
        assert keys.signing_key("ES256").kid == made["ES256"]
        assert {key.algorithm for key in rotation.rotate_where_due()} == set(SIGNING_ALGORITHMS)


def test_keys_are_encrypted_anew_so_that_an_old_encryption_key_can_go(signing_keys, settings):
    new, old = Fernet.generate_key().decode(), settings.OAUTH["KEY_ENCRYPTION_KEYS"]
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [new, *old]}
    call_command("rotate_keys", reencrypt=True)
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [new]}
    assert keys.is_ready()


def test_a_generated_key_encrypts(settings, capsys):
    call_command("generate_key")
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [capsys.readouterr().out.strip()]}
    assert encryption.decrypt(encryption.encrypt(b"a private key")) == b"a private key"


def test_the_first_key_needs_no_settings():
    """Production does not start without a key, so no setting may be needed to make one."""
    made = subprocess.run(
        [sys.executable, "manage.py", "generate_key"], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    )
    Fernet(made.stdout.strip())
