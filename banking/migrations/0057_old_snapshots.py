from typing import Any

from django.contrib.auth import get_user_model
from django.db import migrations

from banking.migrations._sql import function

_FUNCTIONS = (
    ("month_closings.sql", "entry_apply"),
    ("exchange.sql", "is_half_of_exchange"),
    ("exchange.sql", "exchange_contradiction"),
    ("exchange.sql", "half_is_not_reversed"),
    ("shared_payment.sql", "prepare_payment"),
)
# A used quote must stay. Django's own foreign key is checked only at COMMIT, so the quote could be replaced by another
# one before.
_RESTRICT = """
ALTER TABLE exchange ADD CONSTRAINT used_quote_stays FOREIGN KEY (quote_id) REFERENCES exchange_quote (id)
  ON DELETE RESTRICT NOT VALID"""


def install(apps: Any, schema_editor: Any) -> None:
    """Creates the functions as their files define them now. Their arguments are unchanged, so servers of both releases
    can call them, and reversing the migration leaves them as they are.
    """
    text = "".join(function(*one) for one in _FUNCTIONS)
    schema_editor.execute(text.replace("{users}", get_user_model()._meta.db_table), params=None)


class Migration(migrations.Migration):
    """Closes gaps in guarantees that a session could use with an old snapshot or with SET CONSTRAINTS. Payments with
    play money cannot find accounts with real money, and vice versa.
    """

    dependencies = [("banking", "0056_audit_in_parallel")]

    operations = [
        migrations.RunPython(install, migrations.RunPython.noop),
        migrations.RunSQL(_RESTRICT, "ALTER TABLE exchange DROP CONSTRAINT used_quote_stays"),
    ]
