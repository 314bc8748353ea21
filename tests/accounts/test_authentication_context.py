"""acr, amr and auth_time from what allauth notes in the session."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from allauth.account.internal.userkit import user_id_to_str

from accounts.login.authentication_context import from_session
from accounts.models import User

PASSWORD = {"method": "password", "at": 1000.7, "email": "x"}
TOTP = {"method": "mfa", "type": "totp", "at": 1010.2}
CODE_BY_EMAIL = {"method": "code", "at": 1005.0}
ANOTHER_PROVIDER = {"method": "socialaccount", "at": 1005.0}
PASSKEY = {"method": "mfa", "type": "webauthn", "at": 1020.0, "passwordless": True}


def context(*records):
    user = User(last_login=datetime(2026, 1, 1, tzinfo=UTC))
    session = {
        "account_authentication_methods": list(records),
        "account_authentication_methods_user": user_id_to_str(user),
    }
    return from_session(SimpleNamespace(session=session, user=user))


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
    ],
)
def test_two_different_proofs_or_a_passkey_are_multi_factor(records, acr, amr):
    assert (context(*records).acr, context(*records).amr) == (acr, amr)


def test_auth_time_is_the_latest_proof_as_exact_as_it_is_known():
    assert context(PASSWORD, TOTP).auth_time == datetime.fromtimestamp(1010.2, UTC)


def test_without_a_record_the_last_log_in_counts():
    assert context().auth_time == datetime(2026, 1, 1, tzinfo=UTC)
