"""Checks the functions and middleware that settings name by dotted path."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from oauth.conf import OF_THIS_PROCESS, conf
from oauth.resource_server import checks as of_api

_FUNCTIONS = (
    *of_api.FUNCTIONS,
    "AUTHENTICATION_CONTEXT",
    "USER_CLAIMS",
    "USER_LANGUAGE",
    "USER_TIME_ZONE",
    "FIND_USER",
    "APP_ACTIVITY",
    "DEVELOPERS",
)
_LISTS = ("ADMIN_PANELS", "LEFT_BY_APPS", "MACHINE_MIDDLEWARE")


@register(Tags.security)
def check_functions(**_: Any) -> list[CheckMessage]:
    return [*of_api.functions(_FUNCTIONS), *_empty(), *_lists()]


def _empty() -> Iterator[CheckMessage]:
    """Reports empty strings. None means the default, but an empty string would make this process fetch data over HTTP
    that are in its own database.
    """
    for name, default in OF_THIS_PROCESS.items():
        if not getattr(conf, name):
            yield Error(
                f"OAUTH[{name!r}] is empty, and an authorization server needs this function.",
                hint=f"Leave it out: the default is {default!r}.",
                id="oauth.E036",
            )


def _lists() -> Iterator[CheckMessage]:
    for setting in _LISTS:
        for path in getattr(conf, setting):
            try:
                import_string(path)
            except ImportError as error:
                yield Error(
                    f'OAUTH["{setting}"] has {path!r}, which cannot be imported: {error}',
                    hint="It must be the dotted path of a class or function.",
                    id="oauth.E036",
                )
