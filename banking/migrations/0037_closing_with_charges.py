from django.db import migrations

from banking.migrations._sql import function


class Migration(migrations.Migration):
    """Makes the database refuse to close an account that owes a charge."""

    dependencies = [("banking", "0036_one_index_of_source")]

    operations = [migrations.RunSQL(function("account_acts.sql", "close_account"), migrations.RunSQL.noop)]
