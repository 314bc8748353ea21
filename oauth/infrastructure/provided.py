"""Settings for packages that do not read the settings themselves.

A package declares its values as a frozen dataclass, with one `Provided` that holds them; `oauth.wiring` makes them from
the settings. This is for values of the whole process, such as the keys of encryption at rest. Values that differ from
call to call are parameters.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

from oauth.infrastructure import caches

Values = TypeVar("Values")


class Provided(Generic[Values]):
    """`values` is made at first use, and again after `caches.clear`. Raises ImproperlyConfigured if nothing makes it
    and there is no default."""

    def __init__(self, default: Values | None = None) -> None:
        self._make: Callable[[], Values] | None = None if default is None else lambda: default
        caches.register(self._forget)

    def by(self, make: Callable[[], Values]) -> None:
        self._make = make
        self._forget()

    @cached_property
    def values(self) -> Values:
        if self._make is None:
            raise ImproperlyConfigured('"oauth" must be in INSTALLED_APPS: this code needs its settings.')
        return self._make()

    def _forget(self) -> None:
        self.__dict__.pop("values", None)
