"""Checks the values of OAUTH. `oauth.setting_types` has already checked their types."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ValidationError
from django.http.request import validate_host

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.models import Scope
from oauth.resource_server import checks as of_api


@register(Tags.security)
def check_values(**_: Any) -> list[CheckMessage]:
    """Runs with every `manage.py check`, unlike the checks of `deployment`."""
    return [message for check in _CHECKS for message in check()]


def _host() -> Iterator[CheckMessage]:
    allowed = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    if not of_api.is_issuer(conf.ISSUER):
        return
    name = re.sub(r":\d*$", "", urlsplit(conf.ISSUER).netloc)
    if not validate_host(name, allowed):
        yield Warning(
            f"ALLOWED_HOSTS does not contain {name}, the host of the issuer, so Django refuses requests to it.",
            hint=f'Add "{name}" to ALLOWED_HOSTS, unless a proxy sends another Host header.',
            id="oauth.W002",
        )


def _encryption_keys() -> Iterator[CheckMessage]:
    keys = conf.KEY_ENCRYPTION_KEYS
    if not keys or not all(_is_fernet_key(key) for key in keys):
        problem = "is empty" if not keys else "contains a value that is not a Fernet key"
        yield Error(
            f'OAUTH["KEY_ENCRYPTION_KEYS"] {problem}. The first of them must encrypt stored signing keys.',
            hint="Create one: python -m oauth.management.commands.generate_key. Each key is an entry of its own.",
            id="oauth.E002",
        )


def _access_token_lifetime() -> Iterator[CheckMessage]:
    if not timedelta() < conf.ACCESS_TOKEN_LIFETIME <= timedelta(minutes=15):
        yield Error(
            f'OAUTH["ACCESS_TOKEN_LIFETIME"] is {conf.ACCESS_TOKEN_LIFETIME} (RFC 9700 §2.2).',
            hint="It must be more than 0 and at most 15 minutes. For longer access, use refresh tokens.",
            id="oauth.E003",
        )


def _code_lifetime() -> Iterator[CheckMessage]:
    if not timedelta() < conf.AUTHORIZATION_CODE_LIFETIME <= timedelta(minutes=10):
        yield Error(
            f'OAUTH["AUTHORIZATION_CODE_LIFETIME"] is {conf.AUTHORIZATION_CODE_LIFETIME} (RFC 6749 §4.1.2).',
            hint="It must be more than 0 and at most 10 minutes. 1 minute is enough.",
            id="oauth.E004",
        )


def _algorithms() -> Iterator[CheckMessage]:
    for name in ("SIGNING_ALGORITHM", "ID_TOKEN_SIGNING_ALGORITHM"):
        if getattr(conf, name) not in SIGNING_ALGORITHMS:
            yield Error(
                f"OAUTH[{name!r}] is {getattr(conf, name)!r} (RFC 9068 §2.1: asymmetric).",
                hint=f"It must be one of {', '.join(SIGNING_ALGORITHMS)}.",
                id="oauth.E005",
            )


def _resources() -> Iterator[CheckMessage]:
    if not conf.RESOURCES:
        yield Error(
            'OAUTH["RESOURCES"] is empty: an access token must have an audience (RFC 9068 §2.2).',
            hint='Name your API, such as {"https://api.example/v1": {"name": "My API", "path": "/v1"}}.',
            id="oauth.E006",
        )
    yield from (one for one in of_api.audiences() if one.id != "oauth.E006")
    for api, clients in conf.RESOURCE_SERVER_CLIENTS.items():
        if api not in conf.RESOURCES:
            yield Error(
                f'OAUTH["RESOURCE_SERVER_CLIENTS"] has {api!r}: {clients!r}.',
                hint='The API must be one of OAUTH["RESOURCES"].',
                id="oauth.E046",
            )


def _scopes() -> Iterator[CheckMessage]:
    field = Scope._meta.get_field("name")
    for name in conf.SCOPES:
        try:
            field.run_validators(name)
        except ValidationError:
            yield Error(
                f'OAUTH["SCOPES"] has {name!r}, which is not the name of a scope (RFC 6749 §3.3).',
                hint="Use printable ASCII without spaces, quotes and backslashes, such as orders:read.",
                id="oauth.E035",
            )


def _numbers() -> Iterator[CheckMessage]:
    for name, is_right, must in (
        ("THROTTLE_SCALE", conf.THROTTLE_SCALE > 0, "more than 0"),
        ("VERIFIED_TOKENS_KEPT", conf.VERIFIED_TOKENS_KEPT >= 0, "0 or more"),
        ("ACR_VALUES", len(conf.ACR_VALUES) > 0, "a list with at least one acr value"),
    ):
        if not is_right:
            yield Error(f"OAUTH[{name!r}] is {getattr(conf, name)!r}.", hint=f"It must be {must}.", id="oauth.E034")


def _machine_endpoints() -> Iterator[CheckMessage]:
    try:
        re.compile(conf.MACHINE_ENDPOINTS)
    except re.error as error:
        yield Error(
            f'OAUTH["MACHINE_ENDPOINTS"] is not a regular expression: {error}.',
            hint=r"Write paths from their beginning, such as r'^/(\.well-known|oauth/token)'.",
            id="oauth.E032",
        )


def _mtls_origin() -> Iterator[CheckMessage]:
    if conf.MTLS_ORIGIN and not of_api.is_origin(conf.MTLS_ORIGIN):
        yield Error(
            f'OAUTH["MTLS_ORIGIN"] is {conf.MTLS_ORIGIN!r}, which is not an origin (RFC 8705 §5).',
            hint="It must be a scheme and a host, such as https://mtls.login.example: no path and no slash at the end.",
            id="oauth.E038",
        )


def _admin_roles() -> Iterator[CheckMessage]:
    """Checks the permissions, because with a wrong one `migrate` fails to create the groups."""
    for group, permissions in conf.ADMIN_ROLES.items():
        for one in permissions:
            label, _, name = one.partition(".")
            if not name or not _has_app(label):
                yield Error(
                    f'OAUTH["ADMIN_ROLES"][{group!r}] has {one!r}, which is not a permission of an installed app.',
                    hint='Write it as Django does: "shop.view_order".',
                    id="oauth.E037",
                )


def _has_app(label: str) -> bool:
    return any(config.label == label for config in apps.get_app_configs())


def _is_fernet_key(key: str) -> bool:
    """Stricter than Fernet, which decodes the first of two keys in one value and ignores the other."""
    return re.fullmatch(r"[A-Za-z0-9+/_-]{43}=", key) is not None


_CHECKS = (
    of_api.issuer, _host, _encryption_keys, _access_token_lifetime, _code_lifetime, of_api.durations, _algorithms,
    _resources, _scopes, _numbers, _machine_endpoints, _mtls_origin, _admin_roles, of_api.keys_uri,
)  # fmt: skip
