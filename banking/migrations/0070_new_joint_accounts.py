from typing import Any

from django.db import migrations

from banking.migrations._sql import function


def install(apps: Any, schema_editor: Any) -> None:
    """Creates the functions as their file defines them now. Their arguments are unchanged, so servers of both releases
    can call them, and reversing the migration leaves them as they are.
    """
    names = ("is_too_much_for_new_payees", "post_transfer")
    schema_editor.execute("".join(function("payment.sql", name) for name in names), params=None)


class Migration(migrations.Migration):
    """A joint account counts as a new payee until the user has held it for NEW_PAYEE_PERIOD."""

    dependencies = [("banking", "0069_ids_of_deliveries")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
