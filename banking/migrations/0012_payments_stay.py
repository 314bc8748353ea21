from django.db import migrations

TABLES = ("hold", "transfer", "bank_account", "scheduled_transfer")


def _each(template: str) -> str:
    return "\n".join(template.format(table=table) for table in TABLES)


class Migration(migrations.Migration):
    """Refuses TRUNCATE of transfers and holds, also to the owner."""

    dependencies = [("banking", "0011_request_fingerprint")]

    operations = [
        migrations.RunSQL(
            _each(
                "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();"
            )
            + "CREATE TRIGGER no_delete BEFORE DELETE ON transfer FOR EACH ROW EXECUTE FUNCTION forbid_change();",
            _each("DROP TRIGGER no_truncate ON {table};") + "DROP TRIGGER no_delete ON transfer;",
        ),
    ]
