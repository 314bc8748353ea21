from django.db import migrations

NAME = "transaction_reversed_once"


class Migration(migrations.Migration):
    """Few transactions reverse another. An index of these alone is small, and no other transaction writes to it."""

    atomic = False
    dependencies = [("banking", "0058_validated_quote")]

    operations = [
        migrations.RunSQL(
            f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON ledger_transaction (reverses_id) "
            "WHERE reverses_id IS NOT NULL",
            f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
        )
    ]
