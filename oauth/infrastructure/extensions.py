"""Classes that other apps register with a dotted path in the settings."""

from functools import cache
from typing import Any

from django.utils.module_loading import import_string


@cache
def instance(path: str) -> Any:
    """Returns the single object of this class. Raises ImportError if there is no class at this path."""
    return import_string(path)()
