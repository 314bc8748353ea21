import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Drops only the index, because Django's AlterField would also check the foreign key of every transfer again."""

    dependencies = [("banking", "0035_filters")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    "DROP INDEX transfer_source_id_d2fb7b4c",
                    "CREATE INDEX transfer_source_id_d2fb7b4c ON transfer (source_id)",
                )
            ],
            [
                migrations.AlterField(
                    "transfer",
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers_out",
                        to="banking.account",
                    ),
                )
            ],
        )
    ]
