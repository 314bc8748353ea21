from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import F, Q

MOST = 9007199254740991


class Migration(migrations.Migration):
    """Adds the constraint without checking the rows, and then validates it while the site runs."""

    atomic = False

    dependencies = [
        ('banking', '0025_product'),
    ]

    operations = [
        migrations.AddField(
            model_name='ledgeraudit',
            name='is_whole',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='ledgeraudit',
            name='checkpoint',
            field=models.TextField(blank=True, db_default=''),
        ),
        migrations.AddField(
            model_name='ledgeraudit',
            name='digest',
            field=models.TextField(blank=True, db_default=''),
        ),
        AddConstraintNotValid(
            model_name='account',
            constraint=models.CheckConstraint(
                name='balance_in_range',
                condition=Q(posted_minor__gte=-MOST, posted_minor__lte=MOST)
                & Q(overdraft_minor__lte=MOST, held_minor__lte=MOST)
                & Q(posted_minor__gte=F('held_minor') - F('overdraft_minor') - MOST)
                & Q(posted_minor__lte=F('held_minor') - F('overdraft_minor') + MOST),
            ),
        ),
        ValidateConstraint(model_name='account', name='balance_in_range'),
    ]
