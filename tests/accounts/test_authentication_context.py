"""acr, amr and auth_time from what allauth notes in the session."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from allauth.account.internal.userkit import user_id_to_str

from accounts.login.authentication_context import from_session, has_used_second_factor
from accounts.models import User

PASSWORD = {"method": "password", "at": 1000.7, "email": "x"}
TOTP = {"method": "mfa", "type": "totp", "at": 1010.2}
CODE_BY_EMAIL = {"method": "code", "at": 1005.0}
ANOTHER_PROVIDER = {"method": "socialaccount", "at": 1005.0}
PASSKEY = {"method": "mfa", "type": "webauthn", "at": 1020.0, "passwordless": True}
PASSWORD_AGAIN = {"method": "password", "at": 1030.0, "reauthenticated": True}
PROVIDER_AGAIN = {"method": "socialaccount", "at": 1030.0, "reauthenticated": True}
TOTP_AGAIN = {"method": "mfa", "type": "totp", "at": 1040.0, "reauthenticated": True}


def request(*records):
    user = User(last_login=datetime(2026, 1, 1, tzinfo=UTC))
    session = {
        "account_authentication_methods": list(records),
        "account_authentication_methods_user": user_id_to_str(user),
    }
    return SimpleNamespace(session=session, user=user)


def context(*records):
    return from_session(request(*records))


@pytest.mark.parametrize(
    ("records", "acr", "amr"),
    [
        ([PASSWORD], "urn:countersign:acr:pwd", ("pwd",)),
        ([PASSWORD, TOTP], "urn:countersign:acr:mfa", ("mfa", "otp", "pwd")),
        ([PASSKEY], "urn:countersign:acr:mfa", ("mfa", "swk")),
        ([TOTP], "urn:countersign:acr:pwd", ("otp",)),
        ([PASSWORD, CODE_BY_EMAIL], "urn:countersign:acr:pwd", ("email", "pwd")),
        ([PASSWORD, ANOTHER_PROVIDER], "urn:countersign:acr:pwd", ("fed", "pwd")),
        ([PASSWORD, PASSWORD], "urn:countersign:acr:pwd", ("pwd",)),
        ([PASSWORD, TOTP, PASSWORD_AGAIN], "urn:countersign:acr:pwd", ("pwd",)),
        ([PASSKEY, PROVIDER_AGAIN], "urn:countersign:acr:pwd", ("fed",)),
        ([PASSWORD, TOTP, PASSWORD_AGAIN, TOTP_AGAIN], "urn:countersign:acr:mfa", ("mfa", "otp", "pwd")),
        ([PASSWORD, TOTP_AGAIN], "urn:countersign:acr:mfa", ("mfa", "otp", "pwd")),
    ],
)
def test_two_different_proofs_or_a_passkey_are_multi_factor(records, acr, amr):
    assert (context(*records).acr, context(*records).amr) == (acr, amr)


def test_for_the_admin_the_second_factor_of_the_login_counts_also_after_a_password():
    """ASVS 5.0 7.5.3: for a change, one factor must be recent."""
    assert has_used_second_factor(request(PASSWORD, TOTP, PASSWORD_AGAIN))
    assert not has_used_second_factor(request(PASSWORD, PASSWORD_AGAIN))


def test_auth_time_is_the_latest_proof_as_exact_as_it_is_known():
    assert context(PASSWORD, TOTP).auth_time == datetime.fromtimestamp(1010.2, UTC)


def test_without_a_record_the_last_log_in_counts():
    assert context().auth_time == datetime(2026, 1, 1, tzinfo=UTC)
