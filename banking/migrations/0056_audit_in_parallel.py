from pathlib import Path

from django.db import migrations

from banking.migrations._sql import function

HERE = Path(__file__).parent


class Migration(migrations.Migration):

    dependencies = [("banking", "0055_statement_files")]

    operations = [
        # Computes the same digest in less time. Reversing the migration keeps this version of the function.
        migrations.RunSQL(function("around_the_ledger.sql", "entries_digest"), migrations.RunSQL.noop),
        migrations.RunSQL((HERE / "audit.sql").read_text(), "DROP FUNCTION expected_digest(uuid, bigint)"),
    ]
