"""Classes that settings name by dotted path."""

from functools import cache
from typing import Any

from django.utils.module_loading import import_string


@cache
def instance(path: str) -> Any:
    """Returns the single instance of the class in this process. Raises ImportError."""
    return import_string(path)()
