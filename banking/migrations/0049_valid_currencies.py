from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """A separate migration, and so a separate transaction, so that no lock is held while all accounts are read."""

    dependencies = [("banking", "0048_sandbox")]

    operations = [ValidateConstraint("account", "account_currency_known")]
