"""A replacement for Django's `import_string`, because a resource server may run without Django."""

import sys
from importlib import import_module
from typing import Any


def resolve(path: str) -> Any:
    """Imports and returns `package.module.name`. Raises ImportError."""
    module, _, name = path.rpartition(".")
    try:
        loaded = sys.modules.get(module)
        # If another thread is importing the module, `import_module` waits until that is complete.
        if loaded is None or getattr(loaded.__spec__, "_initializing", False):
            loaded = import_module(module)
        return getattr(loaded, name)
    except (AttributeError, ValueError) as error:
        raise ImportError(f"There is no {name} in {module or path}.") from error
