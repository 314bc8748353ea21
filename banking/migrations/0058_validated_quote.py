from django.db import migrations


class Migration(migrations.Migration):
    """A migration of its own is a transaction of its own, so that no lock is held while all exchanges are read."""

    dependencies = [("banking", "0057_old_snapshots")]

    operations = [
        migrations.RunSQL("ALTER TABLE exchange VALIDATE CONSTRAINT used_quote_stays", migrations.RunSQL.noop),
    ]
