"""OAUTH["USER_CLAIMS"]: the standard claims, and whether the email is verified."""

from collections.abc import Set
from typing import Any

from accounts.models import User
from oauth.tokens.user_claims import standard_claims


def claims_of(user: User, scopes: Set[str]) -> dict[str, Any]:
    claims = standard_claims(user, scopes)
    if "email" in claims:
        addresses: Any = user.emailaddress_set
        claims["email_verified"] = addresses.filter(email__iexact=user.email, verified=True).exists()
    return claims
