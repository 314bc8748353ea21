from django.db import migrations


class Migration(migrations.Migration):
    """A separate migration, and so a separate transaction, so that no lock is held while all exchanges are read."""

    dependencies = [("banking", "0057_old_snapshots")]

    operations = [
        migrations.RunSQL("ALTER TABLE exchange VALIDATE CONSTRAINT used_quote_stays", migrations.RunSQL.noop),
    ]
