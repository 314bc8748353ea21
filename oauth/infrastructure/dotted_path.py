"""Imports what a setting names, as Django's `import_string` does. A resource server may run without Django."""

import sys
from importlib import import_module
from typing import Any


def resolve(path: str) -> Any:
    """Imports and returns `package.module.name`. Raises ImportError."""
    module, _, name = path.rpartition(".")
    try:
        loaded = sys.modules.get(module)
        # Another thread may be importing it: `import_module` waits until it has everything.
        if loaded is None or getattr(loaded.__spec__, "_initializing", False):
            loaded = import_module(module)
        return getattr(loaded, name)
    except (AttributeError, ValueError) as error:
        raise ImportError(f"There is no {name} in {module or path}.") from error
