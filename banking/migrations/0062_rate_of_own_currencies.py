from django.db import migrations

from banking.migrations._sql import HERE, function


class Migration(migrations.Migration):
    dependencies = [("banking", "0061_plain_words")]

    operations = [
        migrations.RunSQL(
            (HERE / "rate_of_own_currencies.sql").read_text(), function("exchange.sql", "exchange_rate_guard")
        )
    ]
