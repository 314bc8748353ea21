from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from banking.migrations._sql import function

HERE = Path(__file__).parent


class Migration(migrations.Migration):

    dependencies = [
        ('banking', '0044_access_journal'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DirectDebitRefund',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(choices=[('disputed', 'I allowed it, and want the money back'), ('unauthorized', 'I never allowed it')], max_length=12)),
                ('status', models.CharField(choices=[('claimed', 'Claimed; nothing is credited yet'), ('refunded', "Credited; the creditor's bank has not answered yet"), ('settled', "Credited, and the creditor's bank pays"), ('contested', "Credited, but the creditor's bank does not pay; in suspense, staff must decide"), ('refused', "Refused by the creditor's bank; nothing was credited")], max_length=9)),
                ('reason_code', models.CharField(blank=True, max_length=4)),
                ('client_id', models.CharField(max_length=255)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('collection', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='refund', to='banking.schememessage')),
                ('contested_by', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='banking.ledgertransaction')),
                ('transaction', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='direct_debit_refund', to='banking.ledgertransaction')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'direct_debit_refund',
                'default_permissions': ('view',),
                'indexes': [models.Index(condition=models.Q(('status__in', ['claimed', 'refunded', 'contested'])), fields=['-id'], name='refund_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('answered_at', None), ('contested_by', None), ('status', 'claimed'), ('transaction', None)), models.Q(('answered_at', None), ('contested_by', None), ('status', 'refunded'), ('transaction__isnull', False)), models.Q(('answered_at__isnull', False), ('contested_by', None), ('status', 'settled'), ('transaction__isnull', False)), models.Q(('answered_at__isnull', False), ('contested_by__isnull', False), ('status', 'contested'), ('transaction__isnull', False)), models.Q(('answered_at__isnull', False), ('contested_by', None), ('status', 'refused'), ('transaction', None)), _connector='OR'), name='refund_status_consistent')],
            },
        ),
        migrations.RunSQL(
            (HERE / "direct_debit_refunds.sql").read_text(),
            function("account_acts.sql", "close_account") + function("record_digests.sql", "final_records")
            + "DROP TRIGGER refund_guard ON direct_debit_refund; DROP TRIGGER no_delete ON direct_debit_refund;"
            "DROP TRIGGER no_truncate ON direct_debit_refund; DROP TRIGGER refund_equals_its_reversal ON direct_debit_refund;"
            "DROP FUNCTION refund_guard(), refund_equals_its_reversal(), refund_contradiction(direct_debit_refund);",
        ),
    ]
