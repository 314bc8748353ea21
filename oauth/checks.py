"""Django system checks of OAUTH. A setting that makes the server unsafe is an Error, whose hint says how to fix it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.authorize import response_modes
from oauth.conf import conf
from oauth.infrastructure import extensions
from oauth.models.client import AuthenticationMethod, GrantType
from oauth.proof.certificate import read_authorities

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@register(Tags.security)
def check_configuration(**_: Any) -> list[CheckMessage]:
    """Runs in every mode; `check_deployment` only with `--deploy`."""
    messages: list[CheckMessage] = []
    issuer = urlsplit(conf.ISSUER)
    if (
        issuer.scheme not in ("http", "https")
        or not issuer.netloc
        or f"{issuer.scheme}://{issuer.netloc}" != conf.ISSUER
    ):
        messages.append(
            Error(
                f'OAUTH["ISSUER"] is {conf.ISSUER!r}, which is not an origin (RFC 8414 §2).',
                hint="It must be a scheme and a host, such as https://login.example, without a path or slash.",
                id="oauth.E001",
            )
        )
    if not conf.KEY_ENCRYPTION_KEYS or not all(_is_fernet_key(key) for key in conf.KEY_ENCRYPTION_KEYS):
        messages.append(
            Error(
                'OAUTH["KEY_ENCRYPTION_KEYS"] is empty or holds something that is not a Fernet key.',
                hint="Create one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key())'",
                id="oauth.E002",
            )
        )
    if not timedelta() < conf.ACCESS_TOKEN_LIFETIME <= timedelta(minutes=15):
        messages.append(
            Error(
                f'OAUTH["ACCESS_TOKEN_LIFETIME"] is {conf.ACCESS_TOKEN_LIFETIME} (RFC 9700 §2.2).',
                hint="It must be more than 0 and at most 15 minutes. For longer access, use refresh tokens.",
                id="oauth.E003",
            )
        )
    if not timedelta() < conf.AUTHORIZATION_CODE_LIFETIME <= timedelta(minutes=10):
        messages.append(
            Error(
                f'OAUTH["AUTHORIZATION_CODE_LIFETIME"] is {conf.AUTHORIZATION_CODE_LIFETIME} (RFC 6749 §4.1.2).',
                hint="It must be more than 0 and at most 10 minutes. 1 minute is enough.",
                id="oauth.E004",
            )
        )
    messages.extend(
        Error(
            f'OAUTH["{name}"] is {getattr(conf, name)!r} (RFC 9068 §2.1: asymmetric).',
            hint=f"It must be one of {', '.join(SIGNING_ALGORITHMS)}.",
            id="oauth.E005",
        )
        for name in ("SIGNING_ALGORITHM", "ID_TOKEN_SIGNING_ALGORITHM")
        if getattr(conf, name) not in SIGNING_ALGORITHMS
    )
    if not apps.is_installed("procrastinate.contrib.django"):
        messages.append(
            Error(
                "procrastinate.contrib.django is not installed, so clients would not be notified of logouts.",
                hint='Put it into INSTALLED_APPS before "oauth", and run `manage.py procrastinate worker`.',
                id="oauth.E007",
            )
        )
    if not conf.audiences:
        messages.append(
            Error(
                'OAUTH["RESOURCES"] is empty: an access token must have an audience (RFC 9068 §2.2).',
                hint='Name your API, such as {"https://api.example/v1": {"name": "My API", "path": "/v1"}}.',
                id="oauth.E006",
            )
        )
    return messages


@register(Tags.security, deploy=True)
def check_deployment(**_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    issuer = urlsplit(conf.ISSUER)
    if issuer.scheme == "http" and issuer.hostname not in _LOOPBACK:
        messages.append(
            Error(
                f'OAUTH["ISSUER"] is {conf.ISSUER!r}: tokens would be sent unencrypted (RFC 6749 §3.1, §3.2).',
                hint="Serve the site over TLS, and use https in the issuer.",
                id="oauth.E010",
            )
        )
    try:
        read_authorities(conf.CLIENT_CERTIFICATE_AUTHORITIES)
    except ValueError:
        messages.append(
            Error(
                'OAUTH["CLIENT_CERTIFICATE_AUTHORITIES"] is not PEM, so no certificate can be checked (RFC 8705 §2.1).',
                hint="It must hold one or more blocks that begin with -----BEGIN CERTIFICATE-----.",
                id="oauth.E012",
            )
        )
    if conf.ALLOW_IMPLICIT:
        messages.append(
            Error(
                'OAUTH["ALLOW_IMPLICIT"] is on: access tokens appear in URLs (RFC 9700 §2.1.2).',
                hint="Move these clients to the authorization code with PKCE, then turn ALLOW_IMPLICIT off.",
                id="oauth.E011",
            )
        )
    return messages


@dataclass(frozen=True, slots=True)
class _Registry:
    """A setting that names classes of other apps, by the name under which they are registered."""

    setting: str
    base: str
    attributes: tuple[str, ...]
    taken: frozenset[str] = frozenset()
    longest: int = 255
    reserved_ending: str = "\n"  # no name ends with it


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
        reserved_ending=".jwt",  # the same mode, signed (JARM §2.3)
    ),
    _Registry(
        "AUTHORIZATION_DETAILS_TYPES",
        "oauth.authorization_details.DetailsType",
        ("schema", "question", "summary", "granted"),
    ),
)


@register(Tags.security)
def check_extensions(**_: Any) -> list[CheckMessage]:
    """The dotted paths of grant types, authentication methods, response modes and details types of other apps."""
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
            f"{where}: the server has this name already, or it is too long.",
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
        return f"no object can be made of it. {error}"
    if missing := [name for name in registry.attributes if not hasattr(extension, name)]:
        return f"it has no {', '.join(missing)}."
    if registry.setting == "AUTHORIZATION_DETAILS_TYPES":
        try:
            Draft202012Validator.check_schema(extension.schema)
        except SchemaError as error:
            return f"its schema is no JSON Schema (2020-12). {error.message}"
    return ""


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
