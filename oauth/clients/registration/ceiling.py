"""How far a registration may go (RFC 7591 §2, RFC 7592 §2.2): what a client may have that nobody here looks at.

An initial access token carries a ceiling; a client that it registers keeps it. An update replaces the metadata within
it. What only an admin gives, no registration asks for, and no update adds or removes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from oauth.conf import conf
from oauth.errors import InvalidClientMetadata
from oauth.models import Client, InitialAccessToken, Scope
from oauth.models.client import (
    AuthenticationMethod,
    GrantType,
    SecurityProfile,
    offered_authentication_methods,
    offered_grant_types,
)

# Of a registration that names no scope: who the user is, and nothing of what is theirs.
DEFAULT_SCOPES = ("openid", "profile", "email", "offline_access")
# These act without the user, for others, or unsafely: an admin decides, client by client (RFC 8693 §5, CIBA §4,
# RFC 9700 §2.1.2).
ADMIN_ONLY = frozenset({GrantType.CIBA.value, GrantType.TOKEN_EXCHANGE.value, GrantType.IMPLICIT.value})
_STRENGTH = {
    AuthenticationMethod.NONE: 0,
    AuthenticationMethod.SECRET_BASIC: 1,
    AuthenticationMethod.SECRET_POST: 1,
    AuthenticationMethod.PRIVATE_KEY_JWT: 2,
    AuthenticationMethod.TLS_CLIENT_AUTH: 2,
    AuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH: 2,
}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What may be registered, at most, by the values of each field."""

    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    methods: tuple[str, ...]
    profiles: tuple[str, ...]
    details_types: tuple[str, ...]
    #: Whether what goes beyond is refused, or left out.
    is_strict: bool = True

    def to_json(self) -> dict[str, list[str]]:
        return {name: list(values) for name, values in asdict(self).items() if name != "is_strict"}

    def limited(self, name: str, values: Iterable[str], allowed: Sequence[str]) -> list[str]:
        """The values without repetitions. Raises InvalidClientMetadata if they go beyond a strict ceiling."""
        values = list(dict.fromkeys(values))
        if self.is_strict:
            self.check(name, values, allowed)
        return [one for one in values if one in allowed]

    def check(self, name: str, values: Iterable[str], allowed: Sequence[str]) -> None:
        """Raises InvalidClientMetadata and says what may be had."""
        if not set(values) <= set(allowed):
            raise InvalidClientMetadata(
                f"{name} may be of {' '.join(allowed) or 'nothing'} here. Ask an admin of this server for more."
            )


def registrable_grant_types() -> list[str]:
    return [one.value for one in offered_grant_types() if one.value not in ADMIN_ONLY]


def of_token(token: InitialAccessToken) -> Ceiling:
    """An empty list of scopes stands for DEFAULT_SCOPES, so that a token says everything or gives little."""
    return Ceiling(
        scopes=tuple(token.scopes or DEFAULT_SCOPES),
        grant_types=_within(token.grant_types or _code_and_refresh(), registrable_grant_types()),
        methods=_within(token.authentication_methods or AuthenticationMethod.values, offered_authentication_methods()),
        profiles=tuple(token.security_profiles or SecurityProfile.values),
        details_types=_within(token.authorization_details_types or (), conf.AUTHORIZATION_DETAILS_TYPES),
    )


def of_client(client: Client) -> Ceiling:
    """Of a registered client: the ceiling that it remembers, and what it has now, which an admin may have given.

    A client registered before ceilings were kept has no more than it has. Its profile is only ever raised.
    """
    stored: Mapping[str, Any] = client.registration_ceiling or {}
    has_now = client.authorization_details_types or (() if stored else conf.AUTHORIZATION_DETAILS_TYPES)
    return Ceiling(
        scopes=_union(stored.get("scopes", ()), client.allowed_scopes),
        grant_types=_union(
            _within(stored.get("grant_types", ()), registrable_grant_types()),
            client.grant_types,
        ),
        methods=_union(stored.get("methods", ()), [client.token_endpoint_auth_method]),
        profiles=_union(stored.get("profiles", ()), [client.security_profile]),
        details_types=_union(stored.get("details_types", ()), has_now),
    )


def of_document(client: Client) -> Ceiling:
    """Of a client that describes itself at an address of its own, for which nobody here vouches. It acts for users who
    allow it, in the browser, and in no other way; what goes beyond is left out, so that a document that asks for more
    still ends what hung on the one before it."""
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
    """An admin changed a client that manages its registration: what they left it with is its ceiling from now on."""
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
        kept["details_types"] = list(conf.AUTHORIZATION_DETAILS_TYPES)  # as the form says
    if "security_profile" in changed:
        kept["profiles"] = [client.security_profile]
    if "proves_itself_by" in changed:
        kept["methods"] = [client.token_endpoint_auth_method]
    client.registration_ceiling = {**client.registration_ceiling, **kept}


def is_weaker_method(method: str, than: str) -> bool:
    return _STRENGTH[AuthenticationMethod(method)] < _STRENGTH[AuthenticationMethod(than)]


def is_weaker_profile(profile: str, than: str) -> bool:
    """Each profile holds every rule of the one before it."""
    order = list(SecurityProfile.values)
    return order.index(profile) < order.index(than)


def _code_and_refresh() -> list[str]:
    return [GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value]


def _within(values: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    allowed = {str(one) for one in allowed}
    return tuple(str(one) for one in values if str(one) in allowed)


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))
