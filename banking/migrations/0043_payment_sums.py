import django.db.models.deletion
from pathlib import Path

from django.conf import settings
from django.db import migrations, models

from banking.migrations._sql import function

HERE = Path(__file__).parent
#: The condition after migration 0030.
SUM = function("payment.sql", "day_sum").replace(
    "status IN ('pending', 'posted')", "status IN ('pending', 'posted', 'returned')"
)
BACK = """
DROP TRIGGER payment_sum_follows ON transfer;
DROP FUNCTION payment_sum_follows(), sum_up_payments(uuid, text, uuid, timestamptz), day_sum(uuid, text, uuid, date, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("banking", "0042_direct_debits"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="PaymentSum",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3)),
                ("after_id", models.UUIDField()),
                ("last_id", models.UUIDField()),
                ("ordered_minor", models.DecimalField(decimal_places=0, max_digits=30)),
                ("to_others_minor", models.DecimalField(decimal_places=0, max_digits=30)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "payment_sum",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("user", "currency", "last_id"), name="payment_sum_once")
                ],
            },
        ),
        migrations.RunSQL(
            (HERE / "payment_sums.sql").read_text() + function("payment.sql", "post_transfer"), BACK + SUM
        ),
    ]
