"""The triggers and constraints that the ledger depends on. Migrations create them; this module checks that they
exist."""

from collections.abc import Iterator

from django.db import connection

#: (table, trigger, function)
TRIGGERS = (
    ("ledger_entry", "entry_apply", "entry_apply"),
    ("ledger_entry", "append_only", "forbid_change"),
    ("ledger_entry", "no_truncate", "forbid_change"),
    ("ledger_transaction", "append_only", "forbid_change"),
    ("ledger_transaction", "no_truncate", "forbid_change"),
    ("ledger_seal", "seal_check", "seal_check"),
    ("ledger_seal", "append_only", "forbid_change"),
    ("ledger_seal", "no_truncate", "forbid_change"),
    ("ledger_transaction", "half_has_its_exchange", "half_has_its_exchange"),
    ("ledger_transaction", "half_is_not_reversed", "half_is_not_reversed"),
    ("exchange", "exchange_follows_its_quote", "exchange_follows_its_quote"),
    ("exchange", "append_only", "forbid_change"),
    ("exchange", "no_truncate", "forbid_change"),
    ("exchange_quote", "no_update", "forbid_change"),
    ("exchange_quote", "no_truncate", "forbid_change"),
    ("exchange_rate", "exchange_rate_guard", "exchange_rate_guard"),
    ("exchange_rate", "no_delete", "forbid_change"),
    ("exchange_rate", "no_truncate", "forbid_change"),
    ("hold", "hold_apply", "hold_apply"),
    ("hold", "no_delete", "forbid_change"),
    ("hold", "no_truncate", "forbid_change"),
    ("transfer", "no_delete", "forbid_change"),
    ("transfer", "no_truncate", "forbid_change"),
    ("scheduled_transfer", "no_truncate", "forbid_change"),
    ("bank_account", "no_truncate", "forbid_change"),
    ("bank_account", "balance_guard", "balance_guard"),
    ("bank_account", "opening_is_zero", "opening_is_zero"),
    ("bank_account", "no_delete", "forbid_change"),
    ("bank_account", "access_of_owner", "access_of_owner"),
    ("month_closing", "append_only", "forbid_change"),
    ("month_closing", "no_truncate", "forbid_change"),
    ("transfer", "transfer_guard", "transfer_guard"),
    ("transfer", "payment_sum_follows", "payment_sum_follows"),
    ("transfer", "transfer_updated", "transfer_updated"),
    ("transfer", "transfer_equals_its_entries", "transfer_equals_its_entries"),
    ("hold", "hold_equals_its_capture", "hold_equals_its_capture"),
    ("bank_account", "write_account_act", "write_account_act"),
    ("account_access", "write_account_act", "write_account_act"),
    ("account_change", "account_change_guard", "account_change_guard"),
    ("account_change", "no_delete", "forbid_change"),
    ("account_change", "no_truncate", "forbid_change"),
    ("account_invitation", "invitation_guard", "invitation_guard"),
    ("ledger_digest", "append_only", "forbid_change"),
    ("ledger_digest", "no_truncate", "forbid_change"),
    ("record_digest", "append_only", "forbid_change"),
    ("record_digest", "no_truncate", "forbid_change"),
    ("account_act", "append_only", "forbid_change"),
    ("account_act", "no_truncate", "forbid_change"),
    ("mandate", "mandate_guard", "mandate_guard"),
    ("mandate", "mandate_equals_its_collections", "mandate_equals_its_collections"),
    ("mandate", "no_delete", "forbid_change"),
    ("mandate", "no_truncate", "forbid_change"),
    ("direct_debit_refund", "refund_guard", "refund_guard"),
    ("direct_debit_refund", "refund_equals_its_reversal", "refund_equals_its_reversal"),
    ("direct_debit_refund", "no_delete", "forbid_change"),
    ("direct_debit_refund", "no_truncate", "forbid_change"),
    ("scheme_message", "scheme_message_guard", "scheme_message_guard"),
    ("scheme_message", "scheme_message_is_booked", "scheme_message_is_booked"),
    ("scheme_message", "mandate_equals_its_collections", "mandate_equals_its_collections"),
    ("scheme_message", "no_delete", "forbid_change"),
    ("scheme_message", "no_truncate", "forbid_change"),
    ("bank_account", "sandbox_apart", "account_sandbox_apart"),
    ("account_access", "sandbox_apart", "access_sandbox_apart"),
    ("sandbox_customer", "sandbox_customer_guard", "sandbox_customer_guard"),
    ("sandbox_customer", "no_truncate", "forbid_change"),
    ("bank_day", "bank_day_guard", "bank_day_guard"),
    ("bank_day", "bank_day_starts_open", "bank_day_starts_open"),
    ("bank_day", "no_delete", "forbid_change"),
    ("bank_day", "no_truncate", "forbid_change"),
    ("bank_day_step", "day_step_guard", "day_step_guard"),
    ("bank_day_step", "no_delete", "forbid_change"),
    ("bank_day_step", "no_truncate", "forbid_change"),
    ("trial_balance_line", "append_only", "forbid_change"),
    ("trial_balance_line", "no_truncate", "forbid_change"),
    ("interest_accrual", "append_only", "forbid_change"),
    ("interest_accrual", "no_truncate", "forbid_change"),
    ("settlement_difference", "difference_guard", "difference_guard"),
    ("settlement_difference", "difference_starts_open", "difference_starts_open"),
    ("settlement_difference", "no_delete", "forbid_change"),
    ("settlement_difference", "no_truncate", "forbid_change"),
    ("settlement_match", "append_only", "forbid_change"),
    ("settlement_match", "no_truncate", "forbid_change"),
    ("settlement_file", "settlement_file_adds_up", "settlement_file_adds_up"),
    ("settlement_file", "no_delete", "forbid_change"),
    ("settlement_file", "no_truncate", "forbid_change"),
    ("account_charge", "charge_guard", "charge_guard"),
    ("account_charge", "no_delete", "forbid_change"),
    ("account_charge", "no_truncate", "forbid_change"),
    ("account_freeze", "freeze_guard", "freeze_guard"),
    ("account_freeze", "no_delete", "forbid_change"),
    ("account_freeze", "no_truncate", "forbid_change"),
    ("reversal_request", "reversal_guard", "reversal_guard"),
    ("reversal_request", "no_delete", "forbid_change"),
    ("reversal_request", "no_truncate", "forbid_change"),
)
#: These functions write to columns that the site's role must not write. They run with their owner's rights and see only
#: the owner's tables.
WRITING_FUNCTIONS = (
    "accept_invitation", "access_of_owner", "act_as", "act_as_outsider", "act_as_user", "act_is_over",
    "approve_account_change", "close_account", "close_month", "decline_account_change", "end_access", "end_invitation",
    "entry_apply", "extend_digests", "freeze_account", "hold_apply", "lower_overdraft", "mark_dormant",
    "purge_idempotency_records", "reactivate_account", "rename_account", "unfreeze_account", "write_account_act",
)  # fmt: skip
SEARCH_PATH = "search_path=public, pg_temp"

CONSTRAINTS = (
    ("bank_account", "no_overdraft"),
    ("bank_account", "balance_in_range"),
    ("bank_account", "closed_is_empty"),
    ("bank_account", "held_not_negative"),
    ("bank_account", "account_of_its_product"),
    ("interest_accrual", "accrued_once"),
    ("account_charge", "charged_once"),
    ("ledger_entry", "entry_account_currency"),
    ("ledger_entry", "entry_transaction_currency"),
    ("ledger_entry", "entry_amount_in_range"),
    ("ledger_entry", "entry_once_per_account"),
    ("ledger_transaction", "must_be_sealed"),
    ("account_freeze", "unfrozen_by_another"),
    ("account_access", "access_of_a_user"),
    ("account_change", "account_change_by_two"),
    ("reversal_request", "reversal_by_two_people"),
    ("direct_debit_refund", "direct_debit_refund_collection_id_key"),
    ("exchange", "exchange_quote_id_key"),
    ("exchange", "exchange_once"),
    ("exchange", "used_quote_stays"),
    ("exchange_rate", "rate_by_two_people"),
    ("exchange_rate", "rate_of_real_money"),
    ("mandate", "mandate_once"),
    ("scheme_message", "scheme_message_once"),
    ("settlement_difference", "difference_by_two_officers"),
    ("transfer", "transfer_once"),
    ("transfer", "transfer_posted_is_in_the_ledger"),
)

#: Indexes that are unique only among some rows, which a constraint cannot express.
UNIQUE_INDEXES = (("ledger_transaction", "ledger_transaction_reverses_id_key"),)

_TRIGGERS = """
SELECT c.relname, t.tgname, p.proname FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')"""
_FUNCTIONS = """
SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND proconfig @> ARRAY[%s]"""
_CONSTRAINTS = """
SELECT c.relname, o.conname FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
 WHERE o.connamespace = 'public'::regnamespace AND o.convalidated"""

_UNIQUE_INDEXES = """
SELECT c.relname, i.relname FROM pg_index x
  JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
 WHERE c.relnamespace = 'public'::regnamespace AND x.indisunique AND x.indisvalid"""


def broken_guarantees() -> Iterator[str]:
    """A sentence for each guarantee of the migrations that no longer holds."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIGGERS)
        triggers = set(cursor.fetchall())
        cursor.execute(_FUNCTIONS, [SEARCH_PATH])
        functions = {name for (name,) in cursor.fetchall()}
        cursor.execute(_CONSTRAINTS)
        constraints = set(cursor.fetchall())
        cursor.execute(_UNIQUE_INDEXES)
        unique_indexes = set(cursor.fetchall())
    for table, name, function in TRIGGERS:
        if (table, name, function) not in triggers:
            yield f"the trigger {name} of {table} is missing or disabled"
    for function in WRITING_FUNCTIONS:
        if function not in functions:
            yield f"the function {function} does not run with its owner's rights and search path"
    for table, name in CONSTRAINTS:
        if (table, name) not in constraints:
            yield f"the constraint {name} of {table} is missing or not valid"
    for table, name in UNIQUE_INDEXES:
        if (table, name) not in unique_indexes:
            yield f"the unique index {name} of {table} is missing or not valid"
