"""The rights that the site needs, table by table."""

from collections import defaultdict
from collections.abc import Iterator

from django.db import connection

#: Rights on a table: privilege -> its columns; an empty list means the whole table.
Rights = dict[str, list[str]]
#: (table, privilege, column); the column is empty for privileges on whole tables.
Right = tuple[str, str, str]

ALL: Rights = {"SELECT": [], "INSERT": [], "UPDATE": [], "DELETE": []}
APPENDED: Rights = {"SELECT": [], "INSERT": []}

#: Tables that the site may not change freely; it has ALL on the others. To lock a row (FOR UPDATE), a role needs the
#: right to update some column. If the site may update no other column, it may update the key, which no code changes.
RIGHTS: dict[str, Rights] = {
    "ledger_transaction": APPENDED,
    "ledger_entry": APPENDED,
    "ledger_seal": APPENDED,
    "bank_account": {**APPENDED, "UPDATE": ["id"]},
    "account_act": {"SELECT": []},
    "ledger_digest": {"SELECT": []},
    "record_digest": {"SELECT": []},
    "hold": {**APPENDED, "UPDATE": ["status", "captured_by_id"]},
    "transfer": {
        **APPENDED,
        "UPDATE": ["status", "status_reason", "reason_code", "submitted_at", "settled_at", "transaction_id"],
    },
    "mandate": {**APPENDED, "UPDATE": ["status", "collected", "last_minor", "last_at", "cancelled_at"]},
    "direct_debit_refund": {
        **APPENDED,
        "UPDATE": ["status", "reason_code", "transaction_id", "contested_by_id", "answered_at"],
    },
    "scheme_message": {**APPENDED, "UPDATE": ["status", "given_back_by_id"]},
    "scheduled_transfer": {
        **APPENDED,
        "UPDATE": [
            "status",
            "next_on",
            "held_reason",
            "hold_after_release",
            "resumed_at",
            "end_reason",
            "refusal",
            "tried_on",
            "retry_at",
            # The columns of a payment order that its user may change; never the payee or the account.
            "amount_minor",
            "reference",
            "last_on",
            "execution_rule",
        ],
    },
    "exchange": APPENDED,
    "exchange_quote": {**APPENDED, "DELETE": []},
    "exchange_rate": {**APPENDED, "UPDATE": ["status", "decided_by_id", "decided_at", "decision_reason"]},
    "month_closing": {"SELECT": []},
    "sandbox_customer": APPENDED,
    "bank_day": {**APPENDED, "UPDATE": ["status", "closed_at"]},
    "bank_day_step": {**APPENDED, "UPDATE": ["attempts", "reached", "done_at", "result", "failed_at", "error"]},
    "trial_balance_line": APPENDED,
    "interest_accrual": APPENDED,
    "settlement_file": {**APPENDED, "UPDATE": ["matched"]},
    "settlement_match": APPENDED,
    "settlement_difference": {
        **APPENDED,
        "UPDATE": ["status", "reason", "asked_by_id", "decided_by_id", "decided_at", "transaction_id"],
    },
    "account_charge": {**APPENDED, "UPDATE": ["status", "reason", "transaction_id"]},
    # The terms of accounts that are open do not change.
    "product": {**APPENDED, "UPDATE": ["name", "is_on_offer"]},
    "account_freeze": {"SELECT": []},
    "reversal_request": {
        **APPENDED,
        "UPDATE": ["status", "decided_by_id", "decided_at", "decision_reason", "reversal_id"],
    },
    "idempotency_record": {**APPENDED, "UPDATE": ["status", "body"]},
    "account_access": {"SELECT": []},
    "account_change": APPENDED,
    # Rows of these tables are deleted with their user. A user who has ever had an account cannot be deleted.
    "account_invitation": {**APPENDED, "DELETE": []},
    "account_application": {
        **ALL,
        "UPDATE": ["status", "decided_by_id", "decided_at", "decision_reason", "account_id"],
    },
    "transaction_question": {**ALL, "UPDATE": ["status", "answer", "answered_by_id", "answered_at"]},
    "statement_file": {**ALL, "UPDATE": ["name", "size_bytes", "made_at", "expires_at"]},
    "payment_limit": {**ALL, "UPDATE": ["amount_minor", "changed_at"]},
    "payee": {**ALL, "UPDATE": ["removed_at"]},
    "consent": {**ALL, "UPDATE": ["detail"]},
    "consent_account": {**APPENDED, "DELETE": []},
    "webhook": {**ALL, "UPDATE": ["ended_at"]},
    "webhook_delivery": {**ALL, "UPDATE": ["status", "attempts", "last_answer", "delivered_at"]},
    "oauth_auditevent": {**ALL, "UPDATE": ["id"]},
    "ledger_audit": {**APPENDED, "DELETE": []},
    "django_migrations": {"SELECT": []},
}

#: Rights on the tables and sequences of later migrations, until set_up_role has run again.
RIGHTS_LATER = {("r", privilege) for privilege in ALL} | {("S", "USAGE"), ("S", "SELECT")}
#: The functions with their owner's rights that the site may call. It may call all functions with the caller's rights,
#: and needs no right to call functions that only triggers call.
EXECUTABLE = (
    "accept_invitation", "approve_account_change", "close_account", "close_month", "decline_account_change",
    "end_access", "end_invitation", "extend_digests", "freeze_account", "lower_overdraft", "mark_dormant",
    "oauth_tend_partitions", "purge_idempotency_records", "reactivate_account", "rename_account", "unfreeze_account",
)  # fmt: skip
PRIVILEGES_OF_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
PRIVILEGES_OF_TABLES = ("DELETE", "TRUNCATE", "TRIGGER")

COLUMNS = """
SELECT c.relname, a.attname, c.relispartition FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
   AND a.attnum > 0 AND NOT a.attisdropped
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"""

#: For each function: its signature, quoted where SQL needs it; whether the site needs to call it; whether every role
#: may call it, which is PostgreSQL's default for a new function. Includes functions of migrations, also of other
#: packages, but not functions of PostgreSQL's extensions.
FUNCTIONS = """
SELECT p.oid, p.oid::regprocedure::text AS signature,
       p.prorettype <> 'trigger'::regtype
         AND (NOT p.prosecdef OR p.proname = ANY (%(executable)s::text[])) AS is_needed,
       EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE') AS is_open_to_all
  FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
 ORDER BY signature"""


def functions() -> dict[str, bool]:
    """signature -> whether the site needs to call it, for each function in the database."""
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS, {"executable": list(EXECUTABLE)})
        return {signature: is_needed for _, signature, is_needed, _ in cursor.fetchall()}


def tables(*, with_partitions: bool = False) -> dict[str, list[str]]:
    """The columns of each table in the database. The site reaches a partition through its table, and has no right on
    the partition itself."""
    columns: dict[str, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for table, column, is_partition in cursor.fetchall():
            if with_partitions or not is_partition:
                columns[table].append(column)
    return columns


def wanted() -> Iterator[Right]:
    """Each right that the site needs on a table of the database."""
    for table, all_columns in tables().items():
        for privilege, some in RIGHTS.get(table, ALL).items():
            for column in (some or all_columns) if privilege in PRIVILEGES_OF_COLUMNS else [""]:
                yield table, privilege, column
