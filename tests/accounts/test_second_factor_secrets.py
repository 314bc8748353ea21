"""Second factors at rest: encrypted under KEY_ENCRYPTION_KEYS, and rotated with them."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import call_command
from django.db import connection

from accounts.tasks import encrypt_second_factors
from tests.lib.oauth_client import PASSWORD

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"


def code():
    return format_hotp_value(hotp_value(SECRET, list(yield_hotp_counters_from_time())[1]))


def stored():
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, ' ') FROM mfa_authenticator")
        return cursor.fetchone()[0]


def with_plain_rows(user):
    """Rows as an earlier release wrote them."""
    Authenticator.objects.create(user=user, type="totp", data={"secret": SECRET})
    Authenticator.objects.create(user=user, type="recovery_codes", data={"seed": "ab" * 40, "used_mask": 3})


def test_a_dump_of_the_database_holds_no_second_factor(alice):
    TOTP.activate(alice, SECRET)
    seed = RecoveryCodes.activate(alice)
    text = stored()
    assert SECRET not in text
    assert all(one not in text for one in seed.generate_codes())
    assert text.count("fernet:") == 2


def test_an_authenticator_app_and_recovery_codes_work_encrypted(alice, client):
    TOTP.activate(alice, SECRET)
    codes = RecoveryCodes.activate(alice).generate_codes()
    for given in (code(), codes[0]):
        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
        assert client.post("/accounts/2fa/authenticate/", {"code": given}).status_code == 302
        client.post("/accounts/2fa/trust/", {"action": "skip"})
        assert client.get("/accounts/").status_code == 200
        client.post("/accounts/logout/")


def test_rows_of_the_release_before_work_and_are_encrypted_by_the_worker(alice, client, clock_stands):
    with_plain_rows(alice)
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes()
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert client.post("/accounts/2fa/authenticate/", {"code": code()}).status_code == 302
    encrypt_second_factors(0)
    assert SECRET not in stored()
    assert "abab" not in stored()
    kept = Authenticator.objects.get(type="recovery_codes")
    assert RecoveryCodes(kept).generate_codes() == codes
    assert kept.data["used_mask"] == 3
    assert TOTP(Authenticator.objects.get(type="totp")).validate_code(code()) is False  # used above, once


def test_they_are_rotated_with_the_keys(alice, settings):
    TOTP.activate(alice, SECRET)
    with_codes = RecoveryCodes.activate(alice)
    codes = with_codes.generate_codes()
    old, new = settings.OAUTH["KEY_ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [new, *old]}
    call_command("rotate_keys", reencrypt=True)
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": [new]}
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes() == codes
    assert TOTP(Authenticator.objects.get(type="totp")).validate_code(code())
    settings.OAUTH = {**settings.OAUTH, "KEY_ENCRYPTION_KEYS": old}
    with pytest.raises(InvalidToken):
        TOTP(Authenticator.objects.get(type="totp")).validate_code(code())
