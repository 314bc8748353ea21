"""Triggers and deferred keys that Django cannot express; see ledger.sql beside this file."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).parent


class Migration(migrations.Migration):
    dependencies = [("banking", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=(HERE / "ledger.sql").read_text(),
            reverse_sql=(HERE / "ledger_reverse.sql").read_text(),
        )
    ]
