from django.db import migrations

KEY, NAME = "ledger_transaction_reverses_id_key", "transaction_reversed_once"


class Migration(migrations.Migration):
    """The partial index takes the place and the name of the unique constraint, which the release before knows a second
    reversal by."""

    dependencies = [("banking", "0059_reversed_once")]

    operations = [
        migrations.RunSQL(
            [f"ALTER TABLE ledger_transaction DROP CONSTRAINT {KEY}", f"ALTER INDEX {NAME} RENAME TO {KEY}"],
            [
                f"ALTER INDEX {KEY} RENAME TO {NAME}",
                f"ALTER TABLE ledger_transaction ADD CONSTRAINT {KEY} UNIQUE (reverses_id)",
            ],
        )
    ]
