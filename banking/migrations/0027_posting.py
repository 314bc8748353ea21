from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import migrations

from banking.migrations._sql import function

HERE = Path(__file__).parent


def install(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model(settings.AUTH_USER_MODEL)
    fields = {field.name for field in model._meta.fields}
    name = "u.name" if "name" in fields else "concat_ws(' ', u.first_name, u.last_name)"
    text = (HERE / "posting.sql").read_text().replace("{users}", model._meta.db_table).replace("{name}", name)
    schema_editor.execute(text, params=None)


def remove(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(
        """
ALTER FUNCTION transfer_equals_its_entries() RESET plan_cache_mode;
DROP FUNCTION ledger_post(uuid, text, text, timestamptz, date, uuid, uuid, uuid[], bigint[], text, text),
  write_entries(uuid, timestamptz, date, uuid, uuid[], bigint[], text, text),
  write_header(uuid, text, text, timestamptz, uuid, uuid[]), counterparty(uuid, uuid);
"""
        + function("month_closings.sql", "is_owner"),
        params=None,
    )


class Migration(migrations.Migration):

    dependencies = [
        ("banking", "0026_checkpoints_and_range"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(install, remove)]
