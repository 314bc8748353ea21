"""Standard claims about a person (OpenID Connect Core §5.1, §5.4), by scope. Replaceable: OAUTH["USER_CLAIMS"]."""

from collections.abc import Set
from typing import Any


def standard_claims(user: Any, scopes: Set[str]) -> dict[str, Any]:
    """What Django's own user models know; absent and empty values are left out."""
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims["name"] = user.get_full_name()
    if "email" in scopes:
        claims["email"] = getattr(user, user.get_email_field_name(), "")
    return {name: value for name, value in claims.items() if value}
