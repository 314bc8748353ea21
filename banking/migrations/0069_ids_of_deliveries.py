from typing import Any

from django.db import migrations

from banking.migrations._sql import function


def install(apps: Any, schema_editor: Any) -> None:
    """Creates the function as its file defines it now. Its arguments are unchanged, so servers of both releases can
    call it, and reversing the migration leaves it as it is.
    """
    schema_editor.execute(function("payment.sql", "announce"), params=None)


class Migration(migrations.Migration):
    """The ids of deliveries grow with time, because lists of deliveries are sorted by id."""

    dependencies = [("banking", "0068_hold_after_release")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
