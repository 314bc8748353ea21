import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """The constraint of `transfer` is validated in the next migration, so that no lock is held while all rows are
    read.
    """

    dependencies = [
        ('banking', '0028_payment'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SchemeMessage',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('message_id', models.CharField(max_length=140)),
                ('kind', models.CharField(choices=[('payment', 'Incoming payment'), ('answer', 'Answer to our payment'), ('return', 'Return of our payment')], max_length=8)),
                ('status', models.CharField(choices=[('done', 'Done as it says'), ('repeated', 'Known already; nothing was done'), ('disputed', 'Contradicts what we know; nothing was done, staff must look'), ('suspense', 'In suspense; staff must decide'), ('to_return', 'In suspense; is being given back'), ('given_back', 'Given back')], max_length=10)),
                ('payment_id', models.CharField(blank=True, max_length=35)),
                ('amount_minor', models.BigIntegerField(blank=True, null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('creditor_iban', models.CharField(blank=True, max_length=34, verbose_name="creditor's IBAN")),
                ('debtor_iban', models.CharField(blank=True, max_length=34, verbose_name="debtor's IBAN")),
                ('debtor_name', models.CharField(blank=True, max_length=140)),
                ('reference', models.CharField(blank=True, max_length=140)),
                ('end_to_end_id', models.CharField(blank=True, max_length=35)),
                ('reason_code', models.CharField(blank=True, max_length=4)),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'scheme_message',
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='SecondBankMessage',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('payment', 'Payment'), ('answer', 'Answer'), ('return', 'Return')], max_length=8)),
                ('body', models.JSONField()),
                ('due_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'db_table': 'second_bank_message',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecondBankPayment',
            fields=[
                ('payment_id', models.CharField(max_length=35, primary_key=True, serialize=False)),
                ('amount_minor', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('creditor_iban', models.CharField(max_length=34)),
                ('calls', models.PositiveIntegerField(default=0)),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'second_bank_payment',
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='transfer',
            name='transfer_posted_is_in_the_ledger',
        ),
        migrations.AddField(
            model_name='transfer',
            name='reason_code',
            field=models.CharField(blank=True, db_default='', default='', max_length=4),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='status',
            field=models.CharField(choices=[('pending', 'Pending'), ('posted', 'Posted'), ('rejected', 'Rejected'), ('cancelled', 'Cancelled'), ('expired', 'Expired'), ('returned', 'Returned')], max_length=9),
        ),
        AddConstraintNotValid(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['posted', 'returned']), ('transaction__isnull', False)), models.Q(models.Q(('status__in', ['posted', 'returned']), _negated=True), ('transaction__isnull', True)), _connector='OR'), name='transfer_posted_is_in_the_ledger'),
        ),
        migrations.AddField(
            model_name='schememessage',
            name='account',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='banking.account'),
        ),
        migrations.AddField(
            model_name='schememessage',
            name='given_back_by',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='banking.ledgertransaction'),
        ),
        migrations.AddField(
            model_name='schememessage',
            name='transaction',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='scheme_message', to='banking.ledgertransaction'),
        ),
        migrations.AddField(
            model_name='schememessage',
            name='transfer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='scheme_messages', to='banking.transfer'),
        ),
        migrations.AddIndex(
            model_name='secondbankmessage',
            index=models.Index(condition=models.Q(('sent_at', None)), fields=['due_at'], name='second_bank_message_due'),
        ),
        migrations.AddIndex(
            model_name='schememessage',
            index=models.Index(condition=models.Q(('status__in', ['disputed', 'suspense', 'to_return'])), fields=['-id'], name='scheme_message_open'),
        ),
        migrations.AddConstraint(
            model_name='schememessage',
            constraint=models.UniqueConstraint(fields=('message_id',), name='scheme_message_once'),
        ),
        migrations.AddConstraint(
            model_name='schememessage',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'answer'), models.Q(('amount_minor__gt', 0), ('amount_minor__isnull', False), ('amount_minor__lte', 1000000000000000), models.Q(('currency', ''), _negated=True)), _connector='OR'), name='scheme_amount_in_range'),
        ),
        migrations.AddConstraint(
            model_name='schememessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'payment'), _negated=True), ('transaction__isnull', False), _connector='OR'), name='scheme_payment_is_booked'),
        ),
        migrations.AddConstraint(
            model_name='schememessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'payment'), _negated=True), models.Q(('account__isnull', False), ('status', 'done')), models.Q(('account', None), ('status__in', ['suspense', 'to_return', 'given_back'])), _connector='OR'), name='scheme_payment_is_credited_or_in_suspense'),
        ),
        migrations.AddConstraint(
            model_name='schememessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('given_back_by__isnull', False), ('status', 'given_back')), models.Q(models.Q(('status', 'given_back'), _negated=True), ('given_back_by', None)), _connector='OR'), name='scheme_given_back_is_booked'),
        ),
    ]
