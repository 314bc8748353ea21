from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

from banking.migrations._sql import function


HERE = Path(__file__).parent


class Migration(migrations.Migration):

    dependencies = [
        ('banking', '0041_payers_are_many'),
    ]

    operations = [
        migrations.AddField(
            model_name='schememessage',
            name='creditor_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=35),
        ),
        migrations.AlterField(
            model_name='schememessage',
            name='kind',
            field=models.CharField(choices=[('payment', 'Incoming payment'), ('answer', 'Answer to our payment'), ('return', 'Return of our payment'), ('collect', 'Collection by direct debit')], max_length=8),
        ),
        migrations.AlterField(
            model_name='schememessage',
            name='status',
            field=models.CharField(choices=[('done', 'Done as it says'), ('refused', 'Refused; nothing was booked'), ('repeated', 'Known already; nothing was done'), ('disputed', 'Contradicts what we know; nothing was done, staff must look'), ('suspense', 'In suspense; staff must decide'), ('to_return', 'In suspense; is being given back'), ('given_back', 'Given back')], max_length=10),
        ),
        migrations.AlterField(
            model_name='secondbankmessage',
            name='kind',
            field=models.CharField(choices=[('payment', 'Payment'), ('answer', 'Answer'), ('return', 'Return'), ('collect', 'Collection')], max_length=8),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='events',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('transaction.booked', 'An entry was booked'), ('transfer.updated', 'A transfer has another status'), ('direct_debit.updated', 'A direct debit was set up, collected, refused or cancelled'), ('consent.confirm_due', 'The access ends soon unless the user allows it again'), ('consent.revoked', "The app's access has ended"), ('ping', 'A test')], max_length=30), size=None),
        ),
        migrations.AlterField(
            model_name='webhookdelivery',
            name='event',
            field=models.CharField(choices=[('transaction.booked', 'An entry was booked'), ('transfer.updated', 'A transfer has another status'), ('direct_debit.updated', 'A direct debit was set up, collected, refused or cancelled'), ('consent.confirm_due', 'The access ends soon unless the user allows it again'), ('consent.revoked', "The app's access has ended"), ('ping', 'A test')], max_length=30),
        ),
        migrations.CreateModel(
            name='Mandate',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('creditor_id', models.CharField(max_length=35)),
                ('reference', models.CharField(max_length=35)),
                ('creditor_name', models.CharField(max_length=140)),
                ('creditor_iban', models.CharField(blank=True, max_length=34, verbose_name="creditor's IBAN")),
                ('sequence', models.CharField(choices=[('one_off', 'Once'), ('recurring', 'Repeatedly')], max_length=9)),
                ('status', models.CharField(choices=[('active', 'Active'), ('cancelled', 'Cancelled'), ('completed', 'Completed')], default='active', max_length=9)),
                ('collected', models.IntegerField(default=0)),
                ('last_minor', models.BigIntegerField(blank=True, null=True)),
                ('last_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mandates', to='banking.account')),
            ],
            options={
                'db_table': 'mandate',
                'default_permissions': ('view',),
            },
        ),
        migrations.AddField(
            model_name='schememessage',
            name='mandate',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='collections', to='banking.mandate'),
        ),
        migrations.AddIndex(
            model_name='mandate',
            index=models.Index(fields=['account', '-id'], name='mandate_of_account'),
        ),
        migrations.AddConstraint(
            model_name='mandate',
            constraint=models.UniqueConstraint(fields=('creditor_id', 'reference'), name='mandate_once'),
        ),
        migrations.AddConstraint(
            model_name='mandate',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['active', 'cancelled', 'completed'])), name='mandate_status_known'),
        ),
        migrations.AddConstraint(
            model_name='mandate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at__isnull', False), ('status', 'cancelled')), models.Q(models.Q(('status', 'cancelled'), _negated=True), ('cancelled_at', None)), _connector='OR'), name='mandate_cancelled_at_a_time'),
        ),
        migrations.RunSQL(
            (HERE / "direct_debits.sql").read_text(),
            function("scheme_messages.sql", "scheme_message_contradiction")
            + function("account_acts.sql", "mark_dormant")
            + "DROP TRIGGER mandate_guard ON mandate; DROP TRIGGER no_delete ON mandate; DROP TRIGGER no_truncate ON mandate;"
            "DROP TRIGGER mandate_equals_its_collections ON mandate; DROP TRIGGER mandate_equals_its_collections ON scheme_message;"
            "DROP FUNCTION mandate_guard(), mandate_equals_its_collections(), mandate_contradiction(mandate);",
        ),
    ]
