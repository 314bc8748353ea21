"""Django system checks of OAUTH. A setting that makes the server unsafe is an Error, whose hint says how to fix it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register

from oauth.algorithms import SIGNING_ALGORITHMS
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


@register(Tags.security)
def check_extensions(**_: Any) -> list[CheckMessage]:
    """Grant types and client authentication methods of other apps."""
    return [
        *_check_extensions("GRANT_TYPES", set(GrantType.values), longest=60, attributes=("label", "issue")),
        *_check_extensions(
            "CLIENT_AUTHENTICATION_METHODS",
            set(AuthenticationMethod.values),
            longest=30,
            attributes=("label", "is_presented", "read_credentials", "verify"),
        ),
    ]


def _check_extensions(setting: str, ours: set[str], *, longest: int, attributes: Sequence[str]) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for name, path in getattr(conf, setting).items():
        try:
            extension = extensions.instance(path)
            missing = [one for one in attributes if not hasattr(extension, one)]
        except (ImportError, TypeError) as error:
            missing = [str(error)]
        if name in ours or len(name) > longest or missing:
            messages.append(
                Error(
                    f"OAUTH[{setting!r}][{name!r}] cannot be used: {path!r}. {chr(32).join(missing)}",
                    hint=f"The name must be new and at most {longest} characters long, the path that of a subclass "
                    "(docs/adopting.md).",
                    id="oauth.E013",
                )
            )
    return messages


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
