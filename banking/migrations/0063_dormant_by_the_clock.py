from django.db import migrations

from banking.migrations._sql import HERE, function


class Migration(migrations.Migration):
    dependencies = [("banking", "0062_rate_of_own_currencies")]

    operations = [
        migrations.RunSQL((HERE / "dormant_by_the_clock.sql").read_text(), function("exchange.sql", "mark_dormant"))
    ]
