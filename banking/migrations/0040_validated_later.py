from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

INDEX = "bank_account_product_id_3b9388de"  # as Django names it


class Migration(migrations.Migration):
    """Validates the constraints that earlier migrations add as NOT VALID, and builds an index. Neither blocks payments
    while it scans the table.

    Does nothing where an earlier version of these migrations has already done this.
    """

    atomic = False
    dependencies = [("banking", "0039_transaction_notes")]

    operations = [
        migrations.RunSQL(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON bank_account (product_id)",
            f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",
        ),
        migrations.RunSQL("ALTER TABLE bank_account VALIDATE CONSTRAINT account_of_its_product", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE account_access VALIDATE CONSTRAINT access_of_a_user", migrations.RunSQL.noop),
        ValidateConstraint("accountaccess", "access_role_known"),
        ValidateConstraint("scheduledtransfer", "scheduled_interval_in_range"),
    ]
