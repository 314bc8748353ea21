"""An authenticator app (TOTP)."""

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

MFA, PWD = "urn:countersign:acr:mfa", "urn:countersign:acr:pwd"

SECRET = "JBSWY3DPEHPK3PXP"


def code(secret=SECRET):
    """The code of this moment. The server also accepts the one before and the one after."""
    _before, now, _after = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, now))
