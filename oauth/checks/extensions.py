"""Checks the classes that other apps register by dotted path: grant types, client authentication methods, response
modes, types of authorization details, key stores.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from oauth.authorize import response_modes
from oauth.conf import conf
from oauth.infrastructure import extensions
from oauth.keys import stores
from oauth.models.client import AuthenticationMethod, GrantType


@dataclass(frozen=True, slots=True)
class _Registry:
    """A setting that maps names to classes of other apps."""

    setting: str
    base: str
    attributes: tuple[str, ...]
    taken: frozenset[str] = frozenset()
    longest: int = 255
    reserved_ending: str = "\n"  # no name may end with this suffix


_REGISTRIES = (
    _Registry("GRANT_TYPES", "oauth.grants.ExtensionGrant", ("label", "issue"), frozenset(GrantType.values), 60),
    _Registry(
        "CLIENT_AUTHENTICATION_METHODS",
        "oauth.clients.authentication.ExtensionMethod",
        ("label", "is_presented", "read_credentials", "verify"),
        frozenset(AuthenticationMethod.values),
        30,
    ),
    _Registry(
        "RESPONSE_MODES",
        "oauth.authorize.response_modes.ResponseMode",
        ("response_types", "deliver"),
        frozenset({*response_modes.BUILT_IN, response_modes.SIGNED}),
        reserved_ending=".jwt",  # this suffix stands for the signed variant of a mode (JARM §2.3)
    ),
    _Registry(
        "AUTHORIZATION_DETAILS_TYPES",
        "oauth.authorization_details.DetailsType",
        ("schema", "question", "summary", "granted"),
    ),
    _Registry(
        "DETAILS_OF_SCOPES",
        "oauth.authorization_details.ScopeDetails",
        ("of_scopes", "unlimited", "limited", "question", "summary", "granted", "granted_again"),
    ),
)


@register(Tags.security)
def check_extensions(**_: Any) -> list[CheckMessage]:
    """Checks names and classes in the settings of _REGISTRIES."""
    return [
        message
        for registry in _REGISTRIES
        for name, path in getattr(conf, registry.setting).items()
        for message in _check_extension(registry, name, path)
    ]


def _check_extension(registry: _Registry, name: str, path: str) -> Iterator[CheckMessage]:
    where = f'OAUTH["{registry.setting}"]["{name}"]'
    if name in registry.taken or name.endswith(registry.reserved_ending) or len(name) > registry.longest:
        yield Error(
            f"{where}: the server already has this name, or the name is too long.",
            hint=f"The name must be new and have at most {registry.longest} characters.",
            id="oauth.E013",
        )
    if problem := _problem_of(registry, path):
        yield Error(
            f"{where} is {path!r}: {problem}",
            hint=f"It must be the dotted path of a subclass of {registry.base} (docs/adopting.md).",
            id="oauth.E013",
        )


def _problem_of(registry: _Registry, path: str) -> str:
    try:
        extension = extensions.instance(path)
    except (ImportError, TypeError) as error:
        return f"it cannot be instantiated. {error}"
    if missing := [name for name in registry.attributes if not hasattr(extension, name)]:
        return f"it has no {', '.join(missing)}."
    if registry.setting == "AUTHORIZATION_DETAILS_TYPES":
        try:
            Draft202012Validator.check_schema(extension.schema)
        except SchemaError as error:
            return f"its schema is not a valid JSON Schema (2020-12). {error.message}"
    return ""


@register(Tags.security)
def check_key_stores(**_: Any) -> Iterator[CheckMessage]:
    """Checks the stores of signing keys and their names."""
    for name in conf.KEY_STORES:
        problem = "the name is taken." if name in (stores.DATABASE, stores.DATABASE_NAME) else ""
        problem = problem or ("the name is longer than 30 characters." if len(name) > 30 else "")
        try:
            stores.named(name)
        except stores.KeyStoreError as error:
            problem = problem or str(error)
        if problem:
            yield Error(
                f'OAUTH["KEY_STORES"][{name!r}]: {problem}',
                hint='It must be {"BACKEND": dotted path of a subclass of oauth.keys.stores.KeyStore, "OPTIONS": {…}} '
                "(docs/operating.md).",
                id="oauth.E042",
            )
    if conf.KEY_STORE and conf.KEY_STORE not in conf.KEY_STORES:
        yield Error(
            f'OAUTH["KEY_STORE"] is {conf.KEY_STORE!r}, which is not a name in OAUTH["KEY_STORES"].',
            hint=f"It must be empty, for the database, or one of: {', '.join(conf.KEY_STORES) or '(none)'}.",
            id="oauth.E042",
        )
