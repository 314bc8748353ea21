from pathlib import Path

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

from banking.migrations._sql import function

HERE = Path(__file__).parent


#: The sum that a user paid to others. Payments that were returned count, too.
SUM = function("payment.sql", "day_sum")
SUM_WITH_RETURNED = SUM.replace("status IN ('pending', 'posted')", "status IN ('pending', 'posted', 'returned')")


class Migration(migrations.Migration):
    dependencies = [("banking", "0029_scheme_messages")]

    operations = [
        ValidateConstraint("transfer", "transfer_posted_is_in_the_ledger"),
        migrations.RunSQL(
            (HERE / "scheme_messages.sql").read_text() + SUM_WITH_RETURNED,
            function("around_the_ledger.sql", "transfer_guard")
            + function("around_the_ledger.sql", "transfer_contradiction")
            + SUM
            + "DROP TRIGGER scheme_message_guard ON scheme_message; DROP TRIGGER scheme_message_is_booked ON scheme_message;"
            "DROP TRIGGER no_delete ON scheme_message; DROP TRIGGER no_truncate ON scheme_message;"
            "DROP FUNCTION scheme_message_guard(), scheme_message_is_booked(), scheme_message_contradiction(scheme_message);",
        ),
    ]
