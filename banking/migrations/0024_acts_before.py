from django.db import migrations

ACTS = """
INSERT INTO account_act (account_id, status, overdraft_minor, role, reason, database_user, at)
SELECT id, status, overdraft_minor, '', 'before acts were written down', session_user, now() FROM bank_account b
 WHERE (status <> 'open' OR overdraft_minor <> 0)
   AND NOT EXISTS (SELECT FROM account_act a WHERE a.account_id = b.id AND a.user_id IS NULL);
INSERT INTO account_act (account_id, status, user_id, role, reason, database_user, at)
SELECT account_id, '', user_id, role, 'before acts were written down', session_user, now() FROM account_access b
 WHERE NOT EXISTS (SELECT FROM account_act a WHERE a.account_id = b.account_id AND a.user_id = b.user_id);
"""


class Migration(migrations.Migration):
    """Stores the current state of accounts and accesses as their first acts. A separate migration from that of the
    triggers, so that their locks are not held meanwhile.
    """

    dependencies = [("banking", "0023_around_the_ledger")]

    operations = [migrations.RunSQL(ACTS, migrations.RunSQL.noop)]
