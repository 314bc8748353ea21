from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import migrations, models

from banking.migrations._sql import function

HERE = Path(__file__).parent


def install(apps: Any, schema_editor: Any) -> None:
    users = apps.get_model(settings.AUTH_USER_MODEL)._meta.db_table
    schema_editor.execute((HERE / "around_the_ledger.sql").read_text().replace("{users}", users), params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(
        function("ledger.sql", "seal_check") + function("ledger.sql", "opening_is_zero") + """
DROP TRIGGER transfer_guard ON transfer;
DROP TRIGGER transfer_equals_its_entries ON transfer;
DROP TRIGGER hold_equals_its_capture ON hold;
DROP TRIGGER write_account_act ON bank_account;
DROP TRIGGER write_account_act ON account_access;
DROP TRIGGER append_only ON account_act;
DROP TRIGGER no_truncate ON account_act;
DROP TRIGGER append_only ON ledger_digest;
DROP TRIGGER no_truncate ON ledger_digest;
DROP FUNCTION transfer_guard(), transfer_equals_its_entries(), hold_equals_its_capture(), write_account_act(),
  transfer_contradiction(transfer), hold_contradiction(hold), reversal_contradiction(uuid, uuid),
  freeze_account(uuid, uuid, uuid, text), unfreeze_account(uuid, uuid, text), act_as(uuid, text),
  extend_digests(), digest_of_run(int), entries_digest(uuid, bigint, bigint, bytea);
""",
        params=None,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('banking', '0022_orders_due_before'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountAct',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account_id', models.UUIDField()),
                ('status', models.CharField(blank=True, max_length=6)),
                ('overdraft_minor', models.BigIntegerField(null=True)),
                ('user_id', models.UUIDField(null=True)),
                ('role', models.CharField(blank=True, max_length=6)),
                ('officer_id', models.UUIDField(null=True)),
                ('reason', models.CharField(blank=True, max_length=140)),
                ('database_user', models.CharField(max_length=63)),
                ('at', models.DateTimeField()),
            ],
            options={
                'db_table': 'account_act',
                'default_permissions': (),
                'indexes': [models.Index(fields=['account_id', '-id'], name='act_of_account')],
            },
        ),
        migrations.CreateModel(
            name="LedgerDigest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("digest", models.BinaryField()),
                ("run", models.IntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "ledger_digest",
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["run"], name="digest_of_run"), models.Index(fields=["at"], name="digest_at"),
                ],
                "constraints": [models.UniqueConstraint(fields=("account_id", "seq"), name="digest_once")],
            },
        ),
        migrations.RunPython(install, remove),
    ]
