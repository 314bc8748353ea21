from django.db import migrations

NAME = "transaction_reversed_once"


class Migration(migrations.Migration):
    """Adds an index of only the transactions that reverse another. These are few, so it is small, and other
    transactions do not write to it.
    """

    atomic = False
    dependencies = [("banking", "0058_validated_quote")]

    operations = [
        migrations.RunSQL(
            f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON ledger_transaction (reverses_id) "
            "WHERE reverses_id IS NOT NULL",
            f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}",
        )
    ]
