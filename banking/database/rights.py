"""Which rights the site needs, table by table."""

from collections import defaultdict
from collections.abc import Iterator

from django.db import connection

#: Rights of a table: privilege -> its columns; an empty list: all of them.
Rights = dict[str, list[str]]
#: (table, privilege, column); without a column where the privilege is for whole tables only.
Right = tuple[str, str, str]

ALL: Rights = {"SELECT": [], "INSERT": [], "UPDATE": [], "DELETE": []}
APPENDED: Rights = {"SELECT": [], "INSERT": []}

#: Tables that are not for the site to change as it likes; all others: ALL. A lock on a row (FOR UPDATE) takes the
#: right to update a column: where nothing else may be updated it is the key, which nobody changes.
RIGHTS: dict[str, Rights] = {
    "ledger_transaction": APPENDED,
    "ledger_entry": APPENDED,
    "ledger_seal": APPENDED,
    "bank_account": {**APPENDED, "UPDATE": ["status", "overdraft_minor"]},
    "hold": {**APPENDED, "UPDATE": ["status", "captured_by_id"]},
    "transfer": {
        **APPENDED,
        "UPDATE": ["status", "status_reason", "submitted_at", "settled_at", "transaction_id"],
    },
    "scheduled_transfer": {**APPENDED, "UPDATE": ["status", "next_on", "held_reason", "resumed_at"]},
    "account_freeze": {**APPENDED, "UPDATE": ["unfrozen_by_id", "unfrozen_at", "unfreeze_reason"]},
    "reversal_request": {
        **APPENDED,
        "UPDATE": ["status", "decided_by_id", "decided_at", "decision_reason", "reversal_id"],
    },
    "idempotency_record": {**APPENDED, "UPDATE": ["status", "body"]},
    # These go with their person, who can be deleted as long as no money is theirs.
    "account_access": {**ALL, "UPDATE": ["role"]},
    "payee": {**ALL, "UPDATE": ["removed_at"]},
    "consent": {**ALL, "UPDATE": ["detail"]},
    "consent_account": {**APPENDED, "DELETE": []},
    "webhook": {**ALL, "UPDATE": ["ended_at"]},
    "webhook_delivery": {**ALL, "UPDATE": ["status", "attempts", "last_answer", "delivered_at"]},
    "oauth_auditevent": {**ALL, "UPDATE": ["id"]},
    "ledger_audit": {**APPENDED, "DELETE": []},
    "django_migrations": {"SELECT": []},
}

#: Tables and sequences of migrations to come, until set_up has run again.
RIGHTS_LATER = {("r", privilege) for privilege in ALL} | {("S", "USAGE"), ("S", "SELECT")}
#: Of the functions that run with their owner's rights the only one to be called.
EXECUTABLE = "purge_idempotency_records"
PRIVILEGES_OF_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
PRIVILEGES_OF_TABLES = ("DELETE", "TRUNCATE", "TRIGGER")

COLUMNS = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
   AND a.attnum > 0 AND NOT a.attisdropped
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"""


def tables() -> dict[str, list[str]]:
    """The columns of each table that there is."""
    columns: dict[str, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for table, column in cursor.fetchall():
            columns[table].append(column)
    return columns


def wanted() -> Iterator[Right]:
    for table, all_columns in tables().items():
        for privilege, some in RIGHTS.get(table, ALL).items():
            for column in (some or all_columns) if privilege in PRIVILEGES_OF_COLUMNS else [""]:
                yield table, privilege, column
