"""Settings for packages that must not read the settings themselves.

A package declares a `Provided` for its values, such as a frozen dataclass, and `oauth.wiring` sets it from the
settings. Use this only for values of the whole process, such as encryption keys, not for values that can differ between
calls.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

from oauth.infrastructure import caches

Values = TypeVar("Values")


class Provided(Generic[Values]):
    """`values` is built at first use, and again after `caches.clear`. Raises ImproperlyConfigured if neither `by` was
    called nor a default was given.
    """

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
