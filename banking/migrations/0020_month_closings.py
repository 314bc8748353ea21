from pathlib import Path

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


HERE = Path(__file__).parent
_BEFORE = (HERE / "two_officers.sql").read_text()
REVERSE = (
    "DROP TRIGGER append_only ON month_closing; DROP TRIGGER no_truncate ON month_closing;"
    + _BEFORE[_BEFORE.index("CREATE OR REPLACE FUNCTION entry_apply") :]
    + "DROP FUNCTION close_month(uuid, date, timestamptz); DROP FUNCTION last_entry_before(uuid, timestamptz);"
    "DROP FUNCTION is_owner();"
)


class Migration(migrations.Migration):
    """The new columns are empty in existing rows, so no table is rewritten. The trigger fills them in new rows."""

    dependencies = [
        ('banking', '0019_payment_orders'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='closed_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='account',
            name='last_booked_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='ledgerentry',
            name='value_date',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='MonthClosing',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('month', models.DateField()),
                ('last_seq', models.BigIntegerField()),
                ('closing_minor', models.BigIntegerField()),
                ('ends_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField()),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='month_closings', to='banking.account')),
            ],
            options={
                'db_table': 'month_closing',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('account', 'month'), name='month_closed_once')],
            },
        ),
        migrations.RunSQL((HERE / "month_closings.sql").read_text(), REVERSE),
    ]
