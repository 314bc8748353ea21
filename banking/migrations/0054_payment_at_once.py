from pathlib import Path

from django.db import migrations

TEXT = (Path(__file__).parent / "payment_at_once.sql").read_text()


class Migration(migrations.Migration):

    dependencies = [("banking", "0053_validated_check")]

    operations = [migrations.RunSQL(TEXT, "DROP FUNCTION or_undone(text, boolean, uuid, text[])")]
