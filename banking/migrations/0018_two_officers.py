from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from banking.migrations._sql import function

HERE = Path(__file__).parent


class Migration(migrations.Migration):
    """Lets two officers reverse a transaction, or take held money, also from a frozen account."""

    dependencies = [
        ("banking", "0017_currencies_of_iso_4217"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="reversalrequest",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("request_reversal", "Can ask for a reversal, or for held money that another bank was paid"),
                    ("approve_reversal", "Can approve or decline what somebody else asked for"),
                ],
            },
        ),
        migrations.AlterField(
            model_name="reversalrequest",
            name="transaction",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="reversal_requests",
                to="banking.ledgertransaction",
            ),
        ),
        migrations.AddField(
            model_name="reversalrequest",
            name="transfer",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="reversal_requests",
                to="banking.transfer",
            ),
        ),
        migrations.AddConstraint(
            model_name="reversalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("transaction", None), ("transfer__isnull", False))
                | models.Q(("transaction__isnull", False), ("transfer", None)),
                name="reversal_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="reversalrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "open")), fields=("transfer",), name="capture_asked_once_at_a_time"
            ),
        ),
        migrations.RunSQL(
            (HERE / "two_officers.sql").read_text(),
            function("own_money.sql", "reversal_guard") + function("ledger.sql", "entry_apply"),
        ),
    ]  # fmt: skip
