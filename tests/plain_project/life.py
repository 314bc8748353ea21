"""`migrate` from the first day of `oauth` in a project to its last one. Prints what is left."""

import json
import sys

import django
from django.core.management import call_command
from django.db import connection


def tables_of_oauth() -> list[str]:
    return [name for name in connection.introspection.table_names() if name.startswith("oauth")]


if __name__ == "__main__":
    django.setup()
    call_command("migrate", database="warehouse", verbosity=0)  # before the tables of `oauth` exist
    call_command("migrate", verbosity=0)
    call_command("migrate", database="warehouse", verbosity=0)

    from oauth.models import AuditEvent, Scope

    AuditEvent.record(AuditEvent.Action.LOGGED_IN, user="1")
    scopes = list(Scope.objects.values_list("name", flat=True))
    call_command("migrate", "oauth", "zero", verbosity=0)
    sys.stdout.write(json.dumps({"scopes": scopes, "left": tables_of_oauth()}) + "\n")
