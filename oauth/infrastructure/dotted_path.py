"""Functions that a setting names: `import_string` of Django, for a resource server that may run without Django."""

import sys
from importlib import import_module
from typing import Any


def resolve(path: str) -> Any:
    """What stands at `package.module.name`. Raises ImportError."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(sys.modules.get(module) or import_module(module), name)
    except (AttributeError, ValueError) as error:
        raise ImportError(f"There is no {name} in {module or path}.") from error
