"""Standard claims about a user (OpenID Connect Core §5.1), requested by scope (§5.4) or individually (§5.5).

A site can set another source of the claims with OAUTH["USER_CLAIMS"].
"""

from collections.abc import Iterable, Set
from typing import Any

from django.utils.module_loading import import_string

from oauth.models.scope import SCOPE_OF_CLAIM, scopes_of_claims


def standard_claims(user: Any, scopes: Set[str]) -> dict[str, Any]:
    """The claims of Django's user models. Omits empty values."""
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims["name"] = user.get_full_name() if hasattr(user, "get_full_name") else ""  # AbstractBaseUser has none
        claims["given_name"] = getattr(user, "first_name", "")
        claims["family_name"] = getattr(user, "last_name", "")
    if "email" in scopes:
        claims["email"] = getattr(user, user.get_email_field_name(), "")
    return {name: value for name, value in claims.items() if value}


def released(user: Any, scopes: Set[str], names: Iterable[str] = (), *, source: str) -> dict[str, Any]:
    """The claims of these scopes and the individually requested ones. `source` is OAUTH["USER_CLAIMS"]."""
    names = frozenset(names)
    claims: dict[str, Any] = import_string(source)(user, scopes | scopes_of_claims(names))
    return {name: value for name, value in claims.items() if name in names or SCOPE_OF_CLAIM.get(name, name) in scopes}
