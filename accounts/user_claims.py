"""OAUTH["USER_CLAIMS"]: the standard claims of this site's users (OpenID Connect Core §5.1)."""

from collections.abc import Mapping, Set
from typing import Any

from accounts.models import User
from oauth.infrastructure.language_tags import language_tag
from oauth.tokens.user_claims import standard_claims


def claims_of(user: User, scopes: Set[str]) -> dict[str, Any]:
    claims = standard_claims(user, scopes)
    if "profile" in scopes:
        claims |= _parts_of_name(user)
        claims["updated_at"] = int(user.profile_updated_at.timestamp())
        if user.language:
            claims["locale"] = language_tag(user.language)
    if "email" in claims:
        addresses: Any = user.emailaddress_set
        claims["email_verified"] = addresses.filter(email__iexact=user.email, verified=True).exists()
    return claims


def _parts_of_name(user: User) -> dict[str, str]:
    """`given_name` and `family_name`, if an identity provider has sent them together with exactly this `name`."""
    accounts: Any = user.socialaccount_set
    for extra_data in accounts.order_by("pk").values_list("extra_data", flat=True) if user.name else ():
        for told in (extra_data.get("userinfo"), extra_data.get("id_token"), extra_data):
            if isinstance(told, Mapping) and told.get("name") == user.name:
                parts = {name: told.get(name) for name in ("given_name", "family_name")}
                return {name: value for name, value in parts.items() if isinstance(value, str) and value}
    return {}
