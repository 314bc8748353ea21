"""The forms that take a second factor. A code of an authenticator app works once; a passkey must verify its user.

These two rules do not depend on allauth's version or on the cache.
"""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import parse_authentication_response
from django import forms

from accounts.metrics import logins
from accounts.models import UsedTotpCode


class _CountsOnce(forms.Form):
    """RFC 6238 §5.2: refuses a used code and every older code, even within the tolerance for clock differences."""

    user: Any
    authenticator: Authenticator

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]  # allauth is untyped
        if self.authenticator.type == Authenticator.Type.TOTP:
            _use(self.user, decrypt(self.authenticator.data["secret"]), code)
        return code


class SecondStepForm(_CountsOnce, AuthenticateForm):
    def clean_code(self) -> str:
        try:
            return super().clean_code()
        except forms.ValidationError:
            logins.labels("second_factor_wrong").inc()
            raise


class ProveAgainForm(_CountsOnce, ReauthenticateForm):
    pass


class SetUpAppForm(ActivateTOTPForm):
    def clean_code(self) -> str:
        """Marks the code as used, so that it cannot also be used to log in."""
        code: str = super().clean_code()
        _use(self.user, self.secret, code)
        return code


def _use(user: Any, secret: str, code: str) -> None:
    written = code.replace(" ", "").replace("-", "")
    for counter in yield_hotp_counters_from_time():
        if format_hotp_value(hotp_value(secret, counter)) == written and UsedTotpCode.use(user, counter):
            return
    raise get_adapter().validation_error("incorrect_code")


class _UserVerified(forms.Form):
    """WebAuthn §6.1: requires the flag UV, which says that the authenticator verified its user. Without it, a stolen
    security key would be enough.

    allauth 65.21 accepted a challenge left in the session by another user's login, and so a key that was only touched.
    """

    def clean_credential(self) -> Authenticator:
        response = parse_authentication_response(self.cleaned_data["credential"])
        if not response.response.authenticator_data.is_user_verified():
            raise get_adapter().validation_error("incorrect_code")
        authenticator: Authenticator = super().clean_credential()  # type: ignore[misc]  # allauth is untyped
        return authenticator


class PasskeyLoginForm(_UserVerified, LoginWebAuthnForm):
    pass


class PasskeySecondStepForm(_UserVerified, AuthenticateWebAuthnForm):
    pass


class PasskeyProofForm(_UserVerified, ReauthenticateWebAuthnForm):
    pass
