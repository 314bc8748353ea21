from pathlib import Path

import django.db.models.functions.text
import uuid_utils.compat
from django.db import migrations, models


HERE = Path(__file__).parent


class Migration(migrations.Migration):

    dependencies = [
        ('banking', '0033_account_acts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Merchant',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('counterparty', models.CharField(help_text='An IBAN; or the name or text of payments without an IBAN. It must be the whole of it.', max_length=140)),
                ('name', models.CharField(help_text='As apps show it.', max_length=100)),
                ('category', models.CharField(choices=[('cash', 'Cash'), ('charity', 'Charity'), ('eating_out', 'Eating out'), ('education', 'Education'), ('entertainment', 'Entertainment'), ('fees', 'Fees and interest'), ('groceries', 'Groceries'), ('health', 'Health'), ('housing', 'Housing'), ('income', 'Income'), ('insurance', 'Insurance'), ('savings', 'Savings'), ('shopping', 'Shopping'), ('taxes', 'Taxes'), ('transport', 'Transport'), ('travel', 'Travel'), ('utilities', 'Utilities'), ('other', 'Other')], max_length=13)),
                ('category_code', models.CharField(blank=True, help_text='Four digits of ISO 18245, such as 5411.', max_length=4, verbose_name='merchant category code')),
            ],
            options={
                'db_table': 'merchant',
                'ordering': ['name', 'id'],
                'constraints': [
                    models.UniqueConstraint(django.db.models.functions.text.Upper('counterparty'), name='merchant_once'),
                    models.CheckConstraint(condition=models.Q(('counterparty', ''), _negated=True), name='merchant_of_somebody'),
                    models.CheckConstraint(condition=models.Q(('category_code', ''), ('category_code__regex', '^[0-9]{4}$'), _connector='OR'), name='merchant_code_of_four'),
                ],
            },
        ),
        migrations.AddField(
            model_name='transfer',
            name='updated_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.RunSQL(
            (HERE / "transfer_updated.sql").read_text(),
            "DROP TRIGGER transfer_updated ON transfer; DROP FUNCTION transfer_updated();",
        ),
    ]
