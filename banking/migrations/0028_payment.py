from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import migrations

TEXT = (Path(__file__).parent / "payment.sql").read_text()
FUNCTIONS = (
    "post_transfer, announce, prepare_payment, uses_account, is_too_much_for_new_payees, day_sum, lock_payer, claim_key"
)


def install(apps: Any, schema_editor: Any) -> None:
    users = apps.get_model(settings.AUTH_USER_MODEL)._meta.db_table
    schema_editor.execute(TEXT.replace("{users}", users), params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f"DROP FUNCTION {FUNCTIONS}", params=None)


class Migration(migrations.Migration):

    dependencies = [
        ("banking", "0027_posting"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(install, remove)]
