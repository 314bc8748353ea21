"""What a person has set up besides a password (ASVS 5.0 6.3.3)."""

from typing import Any

from allauth.mfa.models import Authenticator

# Recovery codes come with each of these and are no reason of their own to ask.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def of(user: Any) -> frozenset[str]:
    return frozenset(Authenticator.objects.filter(user_id=user.pk, type__in=_FACTORS).values_list("type", flat=True))
