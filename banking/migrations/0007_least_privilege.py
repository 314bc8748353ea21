from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

REVERSE = """
DROP FUNCTION purge_idempotency_records(int);
GRANT EXECUTE ON FUNCTION entry_apply(), hold_apply(), access_of_owner() TO PUBLIC;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('banking', '0006_orders_and_webhooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='idempotencyrecord',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunSQL((Path(__file__).parent / 'rights.sql').read_text(), REVERSE),
    ]
