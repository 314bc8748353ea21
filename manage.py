#!/usr/bin/env python
"""Django's command line. In a checkout where `make demo` ran, commands speak to the demo's own database."""

import gc
import os
import sys
from contextlib import ExitStack

# Importing the site makes much and throws nothing away. With Python's own 700 new objects, a tenth of each start goes
# into looking through it.
_NEW_OBJECTS = 20_000


def main() -> None:
    gc.set_threshold(_NEW_OBJECTS)
    if sys.argv[1:] == ["generate_key"]:  # the settings do not load without a key
        from oauth.management.commands.generate_key import Command

        Command().run_from_argv(sys.argv)
        return
    if sys.argv[1:2] == ["bootstrap"]:  # it makes what the settings read
        from config.bootstrap import folder

        folder.prepare(sys.argv[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with ExitStack() as stack:
        if "MODE" not in os.environ or os.environ["MODE"] == "demo":
            from demo import environment

            environment.enter(stack)
        from django.core.management import execute_from_command_line

        from config.database import command_clock

        command_clock.use()
        try:
            execute_from_command_line(sys.argv)
        except Exception as error:
            if "--traceback" in sys.argv or (advice := _advice(error)) is None:
                raise
            sys.exit(advice)


def _advice(error: Exception) -> str | None:
    from django.apps import apps

    if not apps.ready:
        return None
    from config.database import advice

    return advice.about(error)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT, without a traceback: nothing went wrong
