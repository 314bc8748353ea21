"""A lost key of KEY_ENCRYPTION_KEYS: what still works, and how to recover (docs/operating.md)."""

import io

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client as Browser

from oauth import keys
from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.checks.database import check_encryption_keys
from oauth.keys import rotation
from oauth.models import SigningKey

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def lost(alice, settings):
    """Everything that was encrypted before is encrypted with a key that is lost."""
    TOTP.activate(alice, SECRET)
    RecoveryCodes.activate(alice)
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}


def test_reencrypting_says_what_is_lost_and_goes_on_with_the_rest(lost, alice):
    with pytest.raises(CommandError, match=rf"{len(SIGNING_ALGORITHMS)} signing keys and 2 second factors"):
        call_command("rotate_keys", reencrypt=True, stdout=io.StringIO())


def test_reencrypting_reencrypts_what_a_key_can_decrypt(alice, settings):
    TOTP.activate(alice, SECRET)
    old, new = settings.OAUTH["KEY_ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode()]}
    RecoveryCodes.activate(alice)  # encrypted with a key that is lost later
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [new, *old]}
    with pytest.raises(CommandError, match="0 signing keys and 1 second factors"):
        call_command("rotate_keys", reencrypt=True, stdout=io.StringIO())
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [new]}
    assert rotation.lost() == rotation.Lost(signing_keys=0, others=1)


def test_a_key_that_is_published_is_not_forgotten(lost):
    with pytest.raises(CommandError, match="--next-leaked first"):
        call_command("rotate_keys", forget_lost=True, stdout=io.StringIO())
    assert SigningKey.objects.published().exclude(private_key_encrypted=b"").count() == len(SIGNING_ALGORITHMS)


def test_lost_keys_can_be_forgotten_and_replaced(
    lost, alice, client: Browser, mailoutbox, django_capture_on_commit_callbacks
):
    assert [one.id for one in check_encryption_keys(databases=["default"])] == ["oauth.E041"]
    call_command("rotate_keys", emergency=True, next_leaked=True, stdout=io.StringIO())
    out = io.StringIO()
    call_command("rotate_keys", forget_lost=True, stdout=out)
    assert out.getvalue() == f"{len(SIGNING_ALGORITHMS)} signing keys and 2 second factors deleted\n"
    assert not Authenticator.objects.filter(user=alice).exists()
    call_command("rotate_keys", reencrypt=True, stdout=io.StringIO())
    assert check_encryption_keys(databases=["default"]) == []
    assert keys.is_ready()
    assert len(client.get("/oauth/jwks").json()["keys"]) == 2 * len(SIGNING_ALGORITHMS)  # including the next keys
