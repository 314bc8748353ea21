"""An authenticator app (TOTP)."""

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

MFA, PWD = "urn:countersign:acr:mfa", "urn:countersign:acr:pwd"

SECRET = "JBSWY3DPEHPK3PXP"


def code(secret=SECRET):
    """The current code. The server also accepts the previous and the next one."""
    _before, now, _after = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, now))
