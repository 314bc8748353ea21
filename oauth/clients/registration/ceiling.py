"""The ceiling of a registration (RFC 7591 §2, RFC 7592 §2.2): the values that a client may register without an admin.

An initial access token has a ceiling, which the clients that it registers keep. An update may change metadata only
within the ceiling. Some grant types can be given and removed only by an admin.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from oauth.conf import conf
from oauth.errors import InvalidClientMetadata
from oauth.models import Client, InitialAccessToken, Scope
from oauth.models.client import AuthenticationMethod, GrantType, SecurityProfile, authentication, grant_types

# The scopes of a registration that requests none. They only identify the user.
DEFAULT_SCOPES = ("openid", "profile", "email", "offline_access")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The values that each field of a registration may have."""

    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    methods: tuple[str, ...]
    profiles: tuple[str, ...]
    details_types: tuple[str, ...]
    #: Whether values beyond the ceiling are refused instead of ignored.
    is_strict: bool = True

    def to_json(self) -> dict[str, list[str]]:
        return {name: list(values) for name, values in asdict(self).items() if name != "is_strict"}

    def limited(self, name: str, values: Iterable[str], allowed: Sequence[str]) -> list[str]:
        """The allowed values without duplicates. Raises InvalidClientMetadata for other values if the ceiling is
        strict.
        """
        values = list(dict.fromkeys(values))
        if self.is_strict:
            self.require_within(name, values, allowed)
        return [one for one in values if one in allowed]

    def require_within(self, name: str, values: Iterable[str], allowed: Sequence[str]) -> None:
        """Raises InvalidClientMetadata, whose description lists the allowed values, if a value is not allowed."""
        if not set(values) <= set(allowed):
            raise InvalidClientMetadata(
                f"{name} must be within: {' '.join(allowed) or 'nothing'}. Ask an admin of this server for more."
            )


def of_token(token: InitialAccessToken) -> Ceiling:
    """The ceiling of an initial access token. If it has no scopes, DEFAULT_SCOPES apply."""
    return Ceiling(
        scopes=tuple(token.scopes or DEFAULT_SCOPES),
        grant_types=_within(token.grant_types or _code_and_refresh(), grant_types.registrable()),
        methods=_within(token.authentication_methods or authentication.offered(), authentication.offered()),
        profiles=tuple(token.security_profiles or SecurityProfile.values),
        details_types=_within(token.authorization_details_types or (), conf.AUTHORIZATION_DETAILS_TYPES),
    )


def of_client(client: Client) -> Ceiling:
    """The ceiling of a registered client: the stored one and the current values, which an admin may have set.

    Without a stored ceiling, a client may keep its values and get no others. Its profile can only be strengthened.
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
    """The ceiling of a client with a metadata document, which no admin has reviewed: only the authorization code flow,
    as a public client or with private_key_jwt. Values beyond it are ignored instead of refused, so that a changed
    document still revokes the authorizations of the previous one.
    """
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
    """Call this after an admin has changed a client that can update its registration. The new values become its
    ceiling.
    """
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
        kept["details_types"] = list(
            conf.AUTHORIZATION_DETAILS_TYPES
        )  # an empty list means all types, as the form says
    if "security_profile" in changed:
        kept["profiles"] = [client.security_profile]
    if "proves_itself_by" in changed:
        kept["methods"] = [client.token_endpoint_auth_method]
    client.registration_ceiling = {**client.registration_ceiling, **kept}


def is_weaker_method(method: str, than: str) -> bool:
    return authentication.strength(method) < authentication.strength(than)


def is_weaker_profile(profile: str, than: str) -> bool:
    """Whether `profile` is weaker than `than`. Each profile includes all rules of the previous one."""
    order = list(SecurityProfile.values)
    return order.index(profile) < order.index(than)


def _code_and_refresh() -> list[str]:
    return [GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value]


def _within(values: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    allowed = {str(one) for one in allowed}
    return tuple(str(one) for one in values if str(one) in allowed)


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))
