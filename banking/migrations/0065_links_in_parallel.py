from django.db import migrations

from banking.migrations._sql import HERE, function


class Migration(migrations.Migration):
    dependencies = [("banking", "0064_help_texts")]

    operations = [
        migrations.RunSQL(
            (HERE / "links_in_parallel.sql").read_text(),
            function("record_digests.sql", "extend_digests") + "DROP FUNCTION missing_links(), linked_up_to(uuid)",
        )
    ]
