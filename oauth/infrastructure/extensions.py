"""What other apps register by a dotted path in the settings."""

from functools import cache
from typing import Any

from django.utils.module_loading import import_string


@cache
def instance(path: str) -> Any:
    """The one object of this class. Raises ImportError if there is none of this name."""
    return import_string(path)()
