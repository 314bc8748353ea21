"""Checks that must pass before the models of `oauth` can be imported."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error

from oauth.resource_server.checks import find_wrong_types
from oauth.resource_server.start import stop_with

CLIENT_MODEL = "oauth.Client"
# Importing our models or the admin fails without these apps.
_IMPORTED = ("oauth2_provider", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes")


def require() -> None:
    """Raises WrongSettings. The process shows its message instead of a traceback."""
    stop_with([*find_wrong_types(), *_missing_apps(), *_client_model()])


def _missing_apps() -> Iterator[CheckMessage]:
    for name in _IMPORTED:
        if not apps.is_installed(name):
            yield missing_app(name)


def missing_app(name: str) -> CheckMessage:
    return Error(f"{name} is not installed.", hint=f'Add "{name}" to INSTALLED_APPS.', id="oauth.E023")


def _client_model() -> Iterator[CheckMessage]:
    chosen = getattr(settings, "OAUTH2_PROVIDER_APPLICATION_MODEL", None)
    if chosen != CLIENT_MODEL:
        yield Error(
            f"OAUTH2_PROVIDER_APPLICATION_MODEL is {chosen!r}.",
            hint=f'Set OAUTH2_PROVIDER_APPLICATION_MODEL = "{CLIENT_MODEL}", before the first `manage.py migrate`.',
            id="oauth.E024",
        )
