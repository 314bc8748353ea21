from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('banking', '0034_merchants'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('amount_minor__gt', 0)), fields=['account', 'account_seq'], name='entry_in'),
        ),
        AddIndexConcurrently(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('amount_minor__lt', 0)), fields=['account', 'account_seq'], name='entry_out'),
        ),
        AddIndexConcurrently(
            model_name='transfer',
            index=models.Index(condition=models.Q(('status', 'posted'), _negated=True), fields=['source', '-id'], name='transfer_unpaid_of_source'),
        ),
    ]
