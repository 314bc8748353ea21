"""Checks the Django settings that the authorization server needs: apps, database, middleware, templates, URLs."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import resolve_url
from django.template import TemplateDoesNotExist, engines
from django.template.backends.django import DjangoTemplates
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse
from django.utils.module_loading import import_string
from oauth2_provider.settings import oauth2_settings

from oauth.checks.start import CLIENT_MODEL, missing_app
from oauth.conf import conf
from oauth.models import Authorization, Client

_APPS = (
    "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles",
    "django.contrib.postgres",  # registers OpClass for indexes in our migrations
)  # fmt: skip
_MIDDLEWARE = (SessionMiddleware, CsrfViewMiddleware, AuthenticationMiddleware, MessageMiddleware)
_CONTEXT = (
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)  # fmt: skip
_ENGINE = {
    "APPLICATION_ADMIN_CLASS": "oauth.admin.ClientAdmin",
    "SCOPES_BACKEND_CLASS": "oauth.clients.scopes_backend.DatabaseScopes",
}


@register(Tags.security)
def check_project(**_: Any) -> list[CheckMessage]:
    return [message for check in _CHECKS for message in check()]


def _apps() -> Iterator[CheckMessage]:
    for name in _APPS:
        if not apps.is_installed(name):
            yield missing_app(name)
    if not apps.is_installed("procrastinate.contrib.django"):
        yield Error(
            "procrastinate.contrib.django is not installed, so clients would not be notified of logouts.",
            hint='Add "procrastinate.contrib.django" to INSTALLED_APPS, and run `manage.py worker`.',
            id="oauth.E007",
        )


def _engine() -> Iterator[CheckMessage]:
    """Checks the settings of django-oauth-toolkit, whose defaults are not suitable here."""
    if str(oauth2_settings.APPLICATION_MODEL) != CLIENT_MODEL:
        yield Error(
            f'OAUTH2_PROVIDER["APPLICATION_MODEL"] is {str(oauth2_settings.APPLICATION_MODEL)!r}.',
            hint="Leave it out: OAUTH2_PROVIDER_APPLICATION_MODEL already sets it.",
            id="oauth.E024",
        )
    for name, path in _ENGINE.items():
        chosen = getattr(settings, "OAUTH2_PROVIDER", {}).get(name)
        if not _is_kind_of(chosen, import_string(path)):
            yield Error(
                f"OAUTH2_PROVIDER[{name!r}] is {chosen!r}.",
                hint=f'Set OAUTH2_PROVIDER = {{{name!r}: "{path}"}}, or name a subclass.',
                id="oauth.E024",
            )


def _database() -> Iterator[CheckMessage]:
    alias = router.db_for_write(Client) or "default"
    if connections[alias].vendor != "postgresql":
        engine = connections[alias].settings_dict["ENGINE"]
        yield Error(
            f"DATABASES[{alias!r}] uses {engine or 'nothing'}, but `oauth` needs PostgreSQL.",
            hint='Set its ENGINE to "django.db.backends.postgresql".',
            id="oauth.E025",
        )
    yield from _other_databases()


def _other_databases() -> Iterator[CheckMessage]:
    """`oauth` has SQL for the default database only. The ORM must not read from a replica, because a code is stored in
    one request and redeemed in the next.
    """
    for model in (Client, Authorization, get_user_model()):
        for purpose, alias in (("written to", router.db_for_write(model)), ("read from", router.db_for_read(model))):
            if alias != DEFAULT_DB_ALIAS:
                yield Error(
                    f"DATABASE_ROUTERS: {model._meta.label} is {purpose} the database {alias!r}, but `oauth` and its "
                    f"users must be in {DEFAULT_DB_ALIAS!r}.",
                    hint=f"Let the router return None for the app {model._meta.app_label!r}.",
                    id="oauth.E044",
                )


def _times() -> Iterator[CheckMessage]:
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is off, but times of tokens and logins are compared in UTC.",
            hint="Set USE_TZ = True, which is Django's default.",
            id="oauth.E026",
        )


def _middleware() -> Iterator[CheckMessage]:
    for needed in _MIDDLEWARE:
        if not any(_is_kind_of(path, needed) for path in settings.MIDDLEWARE):
            path = f"{needed.__module__}.{needed.__qualname__}"
            yield Error(
                f"The pages of `oauth` need {needed.__name__}, which is not in MIDDLEWARE.",
                hint=f'Add "{path}" to MIDDLEWARE, in the order of `startproject`.',
                id="oauth.E027",
            )


def _templates() -> Iterator[CheckMessage]:
    try:
        get_template("oauth/consent.html")
    except TemplateDoesNotExist:
        yield Error(
            "Django does not find the templates of `oauth`.",
            hint='Set "APP_DIRS": True for the DjangoTemplates backend of TEMPLATES.',
            id="oauth.E028",
        )
        return
    backends = [engine for engine in engines.all() if isinstance(engine, DjangoTemplates)]
    processors = {one for backend in backends for one in backend.engine.context_processors}
    for missing in set(_CONTEXT) - processors:
        yield Error(
            f"The pages of `oauth` need the context processor {missing}.",
            hint=f'Add "{missing}" to the context_processors of TEMPLATES.',
            id="oauth.E028",
        )


def _urls() -> Iterator[CheckMessage]:
    """Checks that Django's URLs are those that `oauth.addresses` derives from the issuer."""
    try:
        path = reverse("oauth:token")
    except NoReverseMatch:
        path = "not in ROOT_URLCONF"
    wanted, below = f"{conf.issuer_path}/oauth/token", conf.issuer_path.removeprefix("/")
    if path != wanted:
        yield Error(
            f"The token endpoint is {path}. It must be at {wanted}: clients look for fixed paths below the issuer "
            "(RFC 8414 §3).",
            hint=f'Add path("{below}/", include("oauth.urls")) to ROOT_URLCONF, or set FORCE_SCRIPT_NAME to '
            f'"/{below}" if the whole project is below that path.'
            if below
            else 'Add path("", include("oauth.urls")) to ROOT_URLCONF, with the empty string.',
            id="oauth.E029",
        )
    elif below and not _is_page(f"/.well-known/oauth-authorization-server/{below}"):
        yield Error(
            f"Clients look for the metadata at /.well-known/oauth-authorization-server/{below} of the host, and the "
            "site has no such URL (RFC 8414 §3.1).",
            hint='Add path("", include("oauth.well_known")) to ROOT_URLCONF, with the empty string.',
            id="oauth.E029",
        )


def _urls_of_the_toolkit() -> Iterator[CheckMessage]:
    """Checks that the views of django-oauth-toolkit are not served: they do not know this server's clients."""
    try:
        path = reverse("oauth2_provider:token")
    except NoReverseMatch:
        return
    yield Error(
        f"{path} is the token endpoint of django-oauth-toolkit, which serves no client of `oauth`.",
        hint='Remove include("oauth2_provider.urls") from ROOT_URLCONF. If clients still use its addresses, add '
        'include("oauth.endpoints.dot_addresses") in its place.',
        id="oauth.E045",
    )


def _login_pages() -> Iterator[CheckMessage]:
    pages = {
        "LOGIN_URL": settings.LOGIN_URL,
        'OAUTH["REAUTHENTICATION_URL"]': conf.REAUTHENTICATION_URL,
        'OAUTH["STEP_UP_URL"]': conf.STEP_UP_URL,
    }
    for name, page in pages.items():
        if page and not _leads_somewhere(page):
            yield Error(
                f"{name} is {str(page)!r}, where this site has no page.",
                hint='Name the page where users log in, such as "/login/", and add it to ROOT_URLCONF.',
                id="oauth.E030",
            )


def _leads_somewhere(page: Any) -> bool:
    try:
        parts = urlsplit(resolve_url(page))
    except NoReverseMatch:
        return False
    return bool(parts.netloc) or _is_page(f"/{parts.path.removeprefix(get_script_prefix())}")


def _is_page(path: str) -> bool:
    """Whether the site has a page at `path`, which is without the script prefix."""
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _is_kind_of(path: Any, needed: type) -> bool:
    """Whether the dotted path names the class `needed` or a subclass."""
    try:
        found = import_string(path) if isinstance(path, str) else path
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, needed)


def _tracing() -> Iterator[CheckMessage]:
    if conf.TRACING and find_spec("opentelemetry") is None:
        yield Error(
            'OAUTH["TRACING"] is on, and the packages of OpenTelemetry are not installed.',
            hint="pip install countersign-oauth[otel], or leave OTEL_EXPORTER_OTLP_ENDPOINT out.",
            id="oauth.E043",
        )


_CHECKS = (
    _apps,
    _engine,
    _database,
    _times,
    _middleware,
    _templates,
    _urls,
    _urls_of_the_toolkit,
    _login_pages,
    _tracing,
)
