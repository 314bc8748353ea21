from pathlib import Path

import django.contrib.postgres.indexes
from django.db import migrations, models

from banking.migrations._sql import function

HERE = Path(__file__).parent
BACK = """
DROP TRIGGER difference_starts_open ON settlement_difference;
DROP TRIGGER bank_day_starts_open ON bank_day;
DROP TRIGGER settlement_file_adds_up ON settlement_file;
DROP TRIGGER append_only ON record_digest;
DROP TRIGGER no_truncate ON record_digest;
DROP FUNCTION settlement_file_adds_up(), difference_starts_open(), bank_day_starts_open(), digest_of_text(text), interest_record(date),
  settlement_record(uuid), final_records();
"""


class Migration(migrations.Migration):
    dependencies = [("banking", "0037_closing_with_charges")]

    operations = [
        migrations.CreateModel(
            name="RecordDigest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=21)),
                ("key", models.CharField(max_length=36)),
                ("digest", models.BinaryField()),
                ("run", models.IntegerField()),
            ],
            options={
                "db_table": "record_digest",
                "default_permissions": (),
                "indexes": [models.Index(fields=["run"], name="record_of_run")],
                "constraints": [models.UniqueConstraint(fields=["kind", "key"], name="record_digest_once")],
            },
        ),
        migrations.AddIndex(
            model_name="interestaccrual",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["day"], name="accrual_day"),
        ),
        migrations.RunSQL(
            (HERE / "record_digests.sql").read_text(),
            function("around_the_ledger.sql", "extend_digests") + function("around_the_ledger.sql", "digest_of_run") + BACK,
        ),
    ]
