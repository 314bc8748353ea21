"""The questions of the audit about closed days, settlement files and decisions."""

from banking.ledger.question import Question


def _differences(new: str = "true") -> str:
    """Finds differences that contradict their status, files with an item that is neither matched nor a difference, and
    `new` transactions that move no difference."""
    return f"""
        SELECT d.id, d.status FROM settlement_difference d
         WHERE d.status = 'moved' AND NOT EXISTS (
                 SELECT FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
                  WHERE t.id = d.transaction_id AND t.kind = 'reconciliation' AND e.account_id = d.account_id
                    AND e.amount_minor = coalesce(d.our_minor, 0) - coalesce(d.file_minor, 0))
            OR d.status = 'settled' AND NOT EXISTS (
                 SELECT FROM settlement_match m WHERE m.entry_id = d.entry_id AND m.file_id <> d.file_id)
        UNION ALL
        SELECT f.id, f.message_id FROM settlement_file f
         WHERE f.entries <> f.matched + (SELECT count(*) FROM settlement_difference d
                                          WHERE d.file_id = f.id AND d.kind IN ('missing_here', 'amount'))
        UNION ALL
        SELECT t.id, 'no difference' FROM ledger_transaction t
         WHERE {new} AND t.kind = 'reconciliation'
           AND NOT EXISTS (SELECT FROM settlement_difference WHERE transaction_id = t.id)"""  # noqa: S608 (constants of this module)


_RECORDS = """
        SELECT d.kind, d.key FROM record_digest d LEFT JOIN final_records() r ON (r.kind, r.key) = (d.kind, d.key)
         WHERE d.kind NOT IN ('interest', 'settlement_file') AND digest_of_text(r.content) IS DISTINCT FROM d.digest
        UNION ALL
        SELECT d.kind, d.key FROM record_digest d
         WHERE d.kind = 'interest' AND {days} AND digest_of_text(interest_record(d.key::date)) IS DISTINCT FROM d.digest
        UNION ALL
        SELECT d.kind, d.key FROM record_digest d
         WHERE d.kind = 'settlement_file' AND {files}
           AND digest_of_text(settlement_record(d.key::uuid)) IS DISTINCT FROM d.digest"""

RECORD_QUESTIONS = (
    Question(
        "Each bank day that is closed has its trial balance, its steps are done, and the day before it is closed",
        whole="""
        SELECT d.day, 'a step' FROM bank_day d LEFT JOIN bank_day_step s ON s.day_id = d.day
         WHERE d.status = 'closed' AND s.done_at IS NULL
        UNION ALL
        SELECT d.day, 'the trial balance' FROM bank_day d
         WHERE d.status = 'closed' AND NOT EXISTS (SELECT FROM trial_balance_line WHERE day_id = d.day)
           AND EXISTS (SELECT FROM ledger_entry WHERE booked_at < d.ends_at)
        UNION ALL
        SELECT d.day, 'the day before it' FROM bank_day d
         WHERE d.status = 'closed' AND d.day > (SELECT min(f.day) FROM bank_day f)
           AND NOT EXISTS (SELECT FROM bank_day b WHERE b.day = d.day - 1 AND b.status = 'closed')""",
    ),
    Question(
        "Each difference from a settlement file is moved by its own transaction, or settled by a later file",
        whole=_differences(),
        since=_differences("{new:t}"),
    ),
    Question(
        "Records that were decided or closed match their digest",
        whole=_RECORDS.format(days="true", files="true"),
        # The records of a day, or of a file with its matches, are long, so only changed ones are compared. If an older
        # row had changed, the audit would check the whole ledger.
        since=_RECORDS.format(
            days="({new:d} OR d.key::date IN (SELECT i.day FROM interest_accrual i WHERE {new:i}))",
            files="""({new:d} OR d.key::uuid IN (SELECT f.id FROM settlement_file f WHERE {new:f}
                                     UNION SELECT m.file_id FROM settlement_match m WHERE {new:m}
                                     UNION SELECT x.file_id FROM settlement_difference x WHERE {new:x}))""",
        ),
    ),
)
