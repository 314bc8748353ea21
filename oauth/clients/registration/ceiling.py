"""The ceiling of a registration (RFC 7591 §2, RFC 7592 §2.2): the most that a client may have without an admin's
review.

An initial access token carries a ceiling, and a client that it registers keeps the ceiling. An update replaces the
metadata within it. Only an admin can give some grant types: no registration includes them, and no update adds or
removes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from oauth.conf import conf
from oauth.errors import InvalidClientMetadata
from oauth.models import Client, InitialAccessToken, Scope
from oauth.models.client import AuthenticationMethod, GrantType, SecurityProfile, authentication, grant_types

# The scopes of a registration that names none: they identify the user and give access to nothing else.
DEFAULT_SCOPES = ("openid", "profile", "email", "offline_access")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The values that each field of a registration may have."""

    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    methods: tuple[str, ...]
    profiles: tuple[str, ...]
    details_types: tuple[str, ...]
    #: Whether values beyond the ceiling are refused; otherwise they are left out.
    is_strict: bool = True

    def to_json(self) -> dict[str, list[str]]:
        return {name: list(values) for name, values in asdict(self).items() if name != "is_strict"}

    def limited(self, name: str, values: Iterable[str], allowed: Sequence[str]) -> list[str]:
        """The values without repetitions. Raises InvalidClientMetadata if they go beyond a strict ceiling."""
        values = list(dict.fromkeys(values))
        if self.is_strict:
            self.require_within(name, values, allowed)
        return [one for one in values if one in allowed]

    def require_within(self, name: str, values: Iterable[str], allowed: Sequence[str]) -> None:
        """Raises InvalidClientMetadata and lists the allowed values."""
        if not set(values) <= set(allowed):
            raise InvalidClientMetadata(
                f"{name} must be within: {' '.join(allowed) or 'nothing'}. Ask an admin of this server for more."
            )


def of_token(token: InitialAccessToken) -> Ceiling:
    """An empty list of scopes means DEFAULT_SCOPES, so that a token without a list allows little."""
    return Ceiling(
        scopes=tuple(token.scopes or DEFAULT_SCOPES),
        grant_types=_within(token.grant_types or _code_and_refresh(), grant_types.registrable()),
        methods=_within(token.authentication_methods or authentication.offered(), authentication.offered()),
        profiles=tuple(token.security_profiles or SecurityProfile.values),
        details_types=_within(token.authorization_details_types or (), conf.AUTHORIZATION_DETAILS_TYPES),
    )


def of_client(client: Client) -> Ceiling:
    """The ceiling of a registered client: the stored one, together with its current values, which an admin may have
    given.

    A client without a stored ceiling may keep what it has and get nothing more. Its profile can only be raised.
    """
    stored: Mapping[str, Any] = client.registration_ceiling or {}
    has_now = client.authorization_details_types or (() if stored else conf.AUTHORIZATION_DETAILS_TYPES)
    return Ceiling(
        scopes=_union(stored.get("scopes", ()), client.allowed_scopes),
        grant_types=_union(
            _within(stored.get("grant_types", ()), grant_types.registrable()),
            client.grant_types,
        ),
        methods=_union(stored.get("methods", ()), [client.token_endpoint_auth_method]),
        profiles=_union(stored.get("profiles", ()), [client.security_profile]),
        details_types=_union(stored.get("details_types", ()), has_now),
    )


def of_document(client: Client) -> Ceiling:
    """The ceiling of a client that is known by its metadata document, which no admin has reviewed. It may act only for
    users who allow it, in the browser. Values beyond that are left out and not refused, so that a changed document
    still revokes what users allowed the previous one."""
    stored: Mapping[str, Any] = client.registration_ceiling or {}
    everything = Ceiling(
        scopes=tuple(Scope.objects.values_list("name", flat=True)),
        grant_types=tuple(_code_and_refresh()),
        methods=(AuthenticationMethod.NONE.value, AuthenticationMethod.PRIVATE_KEY_JWT.value),
        profiles=tuple(SecurityProfile.values),
        details_types=tuple(conf.AUTHORIZATION_DETAILS_TYPES),
        is_strict=False,
    )
    return replace(
        everything,
        scopes=_within(stored.get("scopes", everything.scopes), everything.scopes),
        grant_types=_within(stored.get("grant_types", everything.grant_types), everything.grant_types),
        details_types=_within(stored.get("details_types", everything.details_types), everything.details_types),
    )


def keep_to(client: Client, changed_fields: Iterable[str]) -> None:
    """After an admin has changed a client that manages its registration: the new values become its ceiling."""
    if client.registration_ceiling is None:
        return
    fields = {
        "scopes": "allowed_scopes",
        "grant_types": "grant_types",
        "details_types": "authorization_details_types",
    }
    changed = set(changed_fields)
    kept = {name: list(getattr(client, field)) for name, field in fields.items() if field in changed}
    if "details_types" in kept and not kept["details_types"]:
        kept["details_types"] = list(conf.AUTHORIZATION_DETAILS_TYPES)  # the form explains this, too
    if "security_profile" in changed:
        kept["profiles"] = [client.security_profile]
    if "proves_itself_by" in changed:
        kept["methods"] = [client.token_endpoint_auth_method]
    client.registration_ceiling = {**client.registration_ceiling, **kept}


def is_weaker_method(method: str, than: str) -> bool:
    return authentication.strength(method) < authentication.strength(than)


def is_weaker_profile(profile: str, than: str) -> bool:
    """Whether the profile is weaker. Each profile contains all rules of the one before it."""
    order = list(SecurityProfile.values)
    return order.index(profile) < order.index(than)


def _code_and_refresh() -> list[str]:
    return [GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value]


def _within(values: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    allowed = {str(one) for one in allowed}
    return tuple(str(one) for one in values if str(one) in allowed)


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))
