"""System checks of an API, which `oauth.checks` includes for the authorization server.

A site with only an API runs them if `oauth.resource_server` is in INSTALLED_APPS.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from oauth import setting_types
from oauth.conf import Conf, conf, has_authorization_server
from oauth.resource_server.start import stop_with

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NONCE_MIDDLEWARE = "oauth.resource_server.middleware.OfferDPoPNonce"
# RFC 3986 §2.3: a path segment of unreserved characters.
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
#: Settings of an API that name a function by dotted path.
FUNCTIONS = (
    "VERIFICATION_KEYS", "STATUS_LISTS", "REPLAY_CHECK", "REVOCATION_CHECK", "AUTHORIZATION_OF", "END_AUTHORIZATION",
    "OPAQUE_TOKENS", "CLIENT_CERTIFICATE",
)  # fmt: skip


def require() -> None:
    """Checks the settings before Django has loaded the apps. Raises WrongSettings."""
    stop_with(find_wrong_types())


def find_wrong_types() -> list[CheckMessage]:
    given = getattr(settings, "OAUTH", {})
    return [Error(one.problem, hint=one.fix, id=one.id) for one in setting_types.find_wrong(given, Conf)]


@register(Tags.security)
def check_resource_server(**_: Any) -> list[CheckMessage]:
    """Checks nothing if `oauth` is installed, because `oauth.checks` includes these checks."""
    if has_authorization_server():
        return []
    return [*issuer(), *audiences(), *keys_uri(), *functions(FUNCTIONS), *nonces(), *durations(), *rest_framework()]


def issuer() -> Iterator[CheckMessage]:
    """RFC 8414 §2: the issuer has no query and no fragment. Clients compare it as a string and derive URLs from it, so
    its path must not be ambiguous.
    """
    if not is_issuer(conf.ISSUER):
        yield Error(
            f'OAUTH["ISSUER"] is {conf.ISSUER!r}, which is not an issuer (RFC 8414 §2).',
            hint="It must be a scheme and a host, such as https://login.example, and may have a plain path, such as "
            "https://bank.example/id: no query, no escapes and no slash at the end.",
            id="oauth.E001",
        )
    elif is_unencrypted(conf.ISSUER):
        yield Warning(
            f'OAUTH["ISSUER"] is {conf.ISSUER!r}: tokens would be sent unencrypted (RFC 6749 §3.1, §3.2).',
            hint="Use https. With http, `manage.py check --deploy` fails.",
            id="oauth.W001",
        )


def audiences() -> Iterator[CheckMessage]:
    if not conf.audiences:
        yield Error(
            'OAUTH["AUDIENCES"] is not set: an API must accept only tokens that are meant for it (RFC 9068 §4).',
            hint='List the identifiers of your API, such as ["https://api.example/v1"].',
            id="oauth.E006",
        )
    for one in dict.fromkeys((*conf.AUDIENCES, *conf.RESOURCES)):
        parts = urlsplit(one)
        if not parts.scheme or not parts.netloc or parts.fragment:
            yield Error(
                f"{one!r} is not the identifier of an API: an absolute URI without a fragment (RFC 8707 §2).",
                hint='Use the URL at which clients call the API, such as "https://api.example/v1".',
                id="oauth.E033",
            )


def keys_uri() -> Iterator[CheckMessage]:
    if conf.VERIFICATION_KEYS or not conf.JWKS_URI:
        return
    parts = urlsplit(conf.JWKS_URI)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        yield Error(
            f'OAUTH["JWKS_URI"] is {conf.JWKS_URI!r}, which is not a URL.',
            hint="It must be an https URL. Leave it out for /oauth/jwks of the issuer.",
            id="oauth.E038",
        )


def functions(names: tuple[str, ...]) -> Iterator[CheckMessage]:
    """Checks that settings name existing functions."""
    for name in names:
        path = getattr(conf, name)
        if not path:
            continue
        try:
            is_function = callable(import_string(path))
        except ImportError:
            is_function = False
        if not is_function:
            yield Error(
                f"OAUTH[{name!r}] is {path!r}, which is not a function.",
                hint="It must be the dotted path of a function, such as 'shop.accounts.claims_of'.",
                id="oauth.E036",
            )


def nonces() -> Iterator[CheckMessage]:
    offered = (*settings.MIDDLEWARE, *conf.MACHINE_MIDDLEWARE)
    if conf.DPOP_NONCE_REQUIRED and NONCE_MIDDLEWARE not in offered:
        yield Warning(
            "No middleware offers DPoP nonces, so clients with DPoP-bound tokens cannot call the API (RFC 9449 §9).",
            hint=f'Add "{NONCE_MIDDLEWARE}" to MIDDLEWARE, or set OAUTH["DPOP_NONCE_REQUIRED"] = False.',
            id="oauth.W005",
        )


def rest_framework() -> Iterator[CheckMessage]:
    """Checks that REST framework is installed, and two Django apps that it imports."""
    if hasattr(settings, "REST_FRAMEWORK") and find_spec("rest_framework") is None:
        yield Error(
            "REST_FRAMEWORK is set, but Django REST framework is not installed.",
            hint="pip install 'countersign-resource-server[drf]', or use oauth.resource_server without it.",
            id="oauth.E039",
        )
    elif apps.is_installed("rest_framework"):
        for name in ("django.contrib.auth", "django.contrib.contenttypes"):
            if not apps.is_installed(name):
                yield Error(
                    f"{name} is not installed, and REST framework imports its models.",
                    hint=f'Add "{name}" to INSTALLED_APPS. Its tables are not used.',
                    id="oauth.E023",
                )


def is_issuer(url: str) -> bool:
    """Whether this is an origin, optionally with a path of plain segments."""
    scheme, _, rest = url.partition("://")
    host, *segments = rest.split("/")
    return is_origin(f"{scheme}://{host}") and all(_SEGMENT.fullmatch(one) and one.strip(".") for one in segments)


def is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    return is_web and f"{parts.scheme}://{parts.netloc}" == url


def is_unencrypted(url: str) -> bool:
    """Whether the URL is http and not on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK


def durations() -> Iterator[CheckMessage]:
    """Checks every duration of OAUTH, except those with separate checks. Zero is allowed where it turns a cache off."""
    with_their_own = {"ACCESS_TOKEN_LIFETIME", "AUTHORIZATION_CODE_LIFETIME"}
    may_be_zero = {
        "CLIENT_CACHE_LIFETIME", "KEY_CACHE_LIFETIME", "STATUS_LIST_REFRESH", "CLOCK_SKEW", "REFUSED_REQUESTS_INTERVAL",
        "REFRESH_TOKEN_RETRY_WINDOW", "OUTAGE_TOLERANCE",
    }  # fmt: skip
    for name in Conf.__dataclass_fields__:
        value = getattr(conf, name)
        if not isinstance(value, timedelta) or name in with_their_own:
            continue
        if value < timedelta() or (value == timedelta() and name not in may_be_zero):
            yield Error(
                f"OAUTH[{name!r}] is {value}.",
                hint=f"It must be {'0 or more' if name in may_be_zero else 'more than 0'}.",
                id="oauth.E031",
            )
