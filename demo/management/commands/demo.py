"""`manage.py demo`, which `make demo` runs: sets up the demo in an empty directory and serves it.

`demo.environment` has chosen the port and started PostgreSQL before.
"""

import fcntl
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from config.server import serving
from demo import environment
from demo.management.commands.demo_seed import DEFAULT_PASSWORD
from demo.seed import clients

GUIDE = """
  Countersign runs at {url}

  Bank        {url}/accounts/login/
              alice@demo.test, bob@demo.test      password: {password}
              carol@demo.test and dan@demo.test share an account; erin@demo.test has access to one of Alice's
  Admin       {url}/admin/
              admin@demo.test, officer@demo.test  same password; it takes both users to reverse a transaction
  Emails      {mail}

  In another terminal, try:

    {manage} demo_app
        a native app: asks for access to accounts, reads them, makes a transfer
    curl {url}/.well-known/oauth-authorization-server
        the metadata of this server
    curl -u 'demo-service:{secret}' -d grant_type=client_credentials {url}/oauth/token
        an access token for a service, without a user

  The clients and their secrets are in {clients}.
  Ctrl-C stops the demo. Its data stay in {data}.

"""


class Command(BaseCommand):
    help = "Migrates, seeds and serves the demo until Ctrl-C. PORT and DATA_DIR come from the environment."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        with _the_only_one():
            self.stdout.write("Preparing the database of the demo. The first time, this takes half a minute.")
            self.stdout.flush()
            call_command("migrate", verbosity=0)
            call_command("createcachetable", verbosity=0)
            call_command("demo_seed", verbosity=0, stdout=StringIO())
            for connection in connections.all():
                connection.close()
                connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
            environment.remember_port(settings.PORT)
            self.stdout.write(_guide())
            self.stdout.flush()
            # A long queue, so that a small, busy machine still shows pages.
            serving.serve(
                host="127.0.0.1", port=settings.PORT, workers=2, threads=4, queue_seconds=30, with_worker=True
            )


@contextmanager
def _the_only_one() -> Iterator[None]:
    """Refuses a second demo on one database, because these would be two issuers with the same keys."""
    with (settings.DATA_DIR / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"The demo in {settings.DATA_DIR} runs already. Stop it, or run another one with another DATA_DIR."
            ) from None
        yield


def _guide() -> str:
    data_dir = f"DATA_DIR={shlex.quote(os.environ['DATA_DIR'])} " if "DATA_DIR" in os.environ else ""
    return GUIDE.format(
        url=settings.ISSUER,
        password=os.environ.get("DEMO_PASSWORD", DEFAULT_PASSWORD),
        mail=getattr(settings, "EMAIL_FILE_PATH", settings.EMAIL_BACKEND),
        manage=f"{data_dir}.venv/bin/python manage.py",
        secret=clients.read(settings.DATA_DIR)["demo-service"]["client_secret"],
        clients=settings.DATA_DIR / clients.FILE,
        data=settings.DATA_DIR,
    )
