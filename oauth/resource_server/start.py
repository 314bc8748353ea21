"""Stops a process that cannot start with its settings, and shows a message instead of a traceback."""

import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from oauth.conf import WrongSettings


def stop_with(wrong: Sequence[object]) -> None:
    """Raises WrongSettings if `wrong` is not empty. If it is not caught, only its message is shown."""
    if wrong:
        sys.excepthook = _instead_of(sys.excepthook)
        threading.excepthook = _in_thread_instead_of(threading.excepthook)  # `runserver` starts Django in a thread
        raise WrongSettings(wrong)


def _instead_of(usual: Any) -> Any:
    def show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error, WrongSettings):
            sys.stderr.write(f"System check identified some issues:\n\nERRORS:\n{error}\n")
        else:
            usual(kind, error, traceback)

    return show


def _in_thread_instead_of(usual: Any) -> Any:
    def show(args: threading.ExceptHookArgs) -> None:
        if isinstance(args.exc_value, WrongSettings):
            sys.excepthook(type(args.exc_value), args.exc_value, args.exc_traceback)
        else:
            usual(args)

    return show
