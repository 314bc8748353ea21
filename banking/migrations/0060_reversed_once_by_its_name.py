from django.db import migrations

KEY, NAME = "ledger_transaction_reverses_id_key", "transaction_reversed_once"


class Migration(migrations.Migration):
    """The partial index replaces the unique constraint and takes its name, because the previous release recognizes a
    second reversal by this name.
    """

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
