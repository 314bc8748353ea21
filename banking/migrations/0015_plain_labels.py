# Labels of choices: no statement runs in the database.

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('banking', '0014_staff_and_own_money'),
    ]

    operations = [
        migrations.AlterField(
            model_name='reversalrequest',
            name='status',
            field=models.CharField(choices=[('open', 'Waits for a second officer'), ('approved', 'Approved'), ('declined', 'Declined')], default='open', max_length=8),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='events',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('transaction.booked', 'An entry was booked'), ('transfer.updated', 'A transfer has another status'), ('consent.confirm_due', 'The access ends soon unless the user allows it again'), ('consent.revoked', "The app's access has ended"), ('ping', 'A test')], max_length=30), size=None),
        ),
        migrations.AlterField(
            model_name='webhookdelivery',
            name='event',
            field=models.CharField(choices=[('transaction.booked', 'An entry was booked'), ('transfer.updated', 'A transfer has another status'), ('consent.confirm_due', 'The access ends soon unless the user allows it again'), ('consent.revoked', "The app's access has ended"), ('ping', 'A test')], max_length=30),
        ),
    ]
