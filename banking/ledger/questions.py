"""The questions of the audit: statements that must be true, each with queries that find contradictions.

`whole` asks about the whole ledger. `since` asks about what is new since a checkpoint: rows that were written by a
transaction that had not ended then (`{new}`, see `checkpoint`), and what depends on them. This is sufficient because
the previous audit found no difference, and the checkpoint shows that no older row has changed.
"""

from banking.ledger.question import Question
from banking.ledger.record_questions import RECORD_QUESTIONS

#: The text that replaces `{with_new}` at the beginning of a query `since`.
WITH_NEW = """
WITH new_entry AS MATERIALIZED (SELECT e.* FROM ledger_entry e WHERE {new:e}),
     new_account AS MATERIALIZED (SELECT a.* FROM bank_account a WHERE {new:a})
"""


def _charges(new: str = "true", among: str = "true") -> str:
    """Finds the `new` charges that are not booked as recorded, and the accounts in `among` whose charged interest is
    not what they earned or owed until the last charged month.
    """
    return f"""
        SELECT c.id, w.wrong FROM account_charge c, LATERAL (SELECT charge_contradiction(c) AS wrong) w
         WHERE {new} AND w.wrong IS NOT NULL
        UNION ALL
        SELECT c.account_id, c.kind FROM (
          SELECT account_id, kind, max(month) + interval '1 month' AS ends,
                 abs(sum(amount_minor * 365000000.0) + (array_agg(carried_units ORDER BY month DESC))[1]) AS units
            FROM account_charge WHERE kind <> 'fee' AND {among} GROUP BY account_id, kind) c
         WHERE c.units <> (
           SELECT coalesce(sum(CASE c.kind WHEN 'interest' THEN i.earned_units ELSE i.owed_units END), 0)
                             FROM interest_accrual i WHERE i.account_id = c.account_id AND i.day < c.ends)"""  # noqa: S608 (constants of this module)


QUESTIONS = (
    Question(
        "The entries of each currency sum to zero",
        whole="""
        SELECT currency, sum(amount_minor) FROM ledger_entry GROUP BY currency HAVING sum(amount_minor) <> 0""",
        since="""
        SELECT e.currency, sum(e.amount_minor) FROM ledger_entry e WHERE {new:e}
         GROUP BY e.currency HAVING sum(e.amount_minor) <> 0""",
    ),
    Question(
        "Each balance, held amount and running balance is the sum of its entries or holds",
        whole="""
        SELECT a.id, a.posted_minor, e.total FROM bank_account a
          LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM ledger_entry GROUP BY account_id) e
            ON e.account_id = a.id
         WHERE a.posted_minor <> coalesce(e.total, 0)
        UNION ALL
        SELECT a.id, a.held_minor, h.total FROM bank_account a
          LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM hold
                      WHERE status = 'pending' GROUP BY account_id) h ON h.account_id = a.id
         WHERE a.held_minor <> coalesce(h.total, 0)
        UNION ALL
        SELECT account_id, balance_after_minor, running FROM (
          SELECT account_id, balance_after_minor,
                 lag(balance_after_minor, 1, 0::bigint) OVER (PARTITION BY account_id ORDER BY account_seq)
                 + amount_minor AS running FROM ledger_entry) r
         WHERE balance_after_minor <> running""",
        since="""{with_new}
        SELECT a.id, a.posted_minor, e.balance_after_minor FROM new_account a
          LEFT JOIN ledger_entry e ON e.account_id = a.id AND e.account_seq = a.last_seq
         WHERE a.posted_minor <> coalesce(e.balance_after_minor, 0)
        UNION ALL
        SELECT a.id, a.held_minor, h.total FROM bank_account a
          LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM hold
                      WHERE status = 'pending' GROUP BY account_id) h ON h.account_id = a.id
         WHERE a.held_minor <> coalesce(h.total, 0)
        UNION ALL
        SELECT e.account_id, e.balance_after_minor, coalesce(b.balance_after_minor, 0) + e.amount_minor FROM new_entry e
          LEFT JOIN ledger_entry b ON b.account_id = e.account_id AND b.account_seq = e.account_seq - 1
         WHERE e.balance_after_minor <> coalesce(b.balance_after_minor, 0) + e.amount_minor""",
    ),
    Question(
        "Each account's entries are numbered without a gap",
        whole="""
        SELECT a.id, a.last_seq, count(e.account_seq), coalesce(max(e.account_seq), 0) FROM bank_account a
          LEFT JOIN ledger_entry e ON e.account_id = a.id GROUP BY a.id, a.last_seq
        HAVING a.last_seq <> count(e.account_seq) OR a.last_seq <> coalesce(max(e.account_seq), 0)""",
        since="""{with_new}
        SELECT a.id, a.last_seq, l.account_seq FROM new_account a
          LEFT JOIN LATERAL (SELECT account_seq FROM ledger_entry WHERE account_id = a.id
                              ORDER BY account_seq DESC LIMIT 1) l ON true
         WHERE a.last_seq <> coalesce(l.account_seq, 0)
        UNION ALL
        SELECT e.account_id, e.account_seq, 0 FROM new_entry e WHERE e.account_seq <> 1 AND NOT EXISTS (
          SELECT FROM ledger_entry b WHERE b.account_id = e.account_id AND b.account_seq = e.account_seq - 1)""",
    ),
    Question(
        "Each transaction is sealed and balanced",
        whole="""
        SELECT t.id, s.entries, e.number, e.total FROM ledger_transaction t
          LEFT JOIN ledger_seal s ON s.transaction_id = t.id
          LEFT JOIN (SELECT transaction_id, count(*) AS number, sum(amount_minor) AS total FROM ledger_entry
                      GROUP BY transaction_id) e ON e.transaction_id = t.id
         WHERE s.entries IS NULL OR s.entries <> coalesce(e.number, 0) OR coalesce(e.total, 0) <> 0""",
        since="""
        SELECT t.id, s.entries, count(x.id), coalesce(sum(x.amount_minor), 0)
          FROM (SELECT t.id FROM ledger_transaction t WHERE {new:t}
                UNION SELECT e.transaction_id FROM ledger_entry e WHERE {new:e}) t
          LEFT JOIN ledger_seal s ON s.transaction_id = t.id
          LEFT JOIN ledger_entry x ON x.transaction_id = t.id GROUP BY t.id, s.entries
        HAVING s.entries IS NULL OR s.entries <> count(x.id) OR coalesce(sum(x.amount_minor), 0) <> 0""",
    ),
    Question(
        "Each transfer equals its entries and its hold",
        whole="""
        SELECT t.id, c.wrong FROM transfer t, LATERAL (SELECT transfer_contradiction(t) AS wrong) c
         WHERE c.wrong IS NOT NULL""",
        since="""
        SELECT x.id, c.wrong
          FROM (SELECT t.id FROM transfer t WHERE {new:t}
                UNION SELECT t.id FROM hold h JOIN transfer t ON t.hold_id = h.id WHERE {new:h}
                UNION SELECT t.id FROM ledger_entry e JOIN transfer t ON t.transaction_id = e.transaction_id
                       WHERE {new:e}) n
          JOIN transfer x ON x.id = n.id, LATERAL (SELECT transfer_contradiction(x) AS wrong) c
         WHERE c.wrong IS NOT NULL""",
    ),
    Question(
        "Each message of the payment scheme is booked correctly",
        whole="""
        SELECT m.id, c.wrong FROM scheme_message m, LATERAL (SELECT scheme_message_contradiction(m) AS wrong) c
         WHERE c.wrong IS NOT NULL
        UNION ALL
        SELECT t.id, 'its message is gone' FROM ledger_transaction t
         WHERE t.kind = 'incoming_payment' AND NOT EXISTS (SELECT FROM scheme_message WHERE transaction_id = t.id)""",
        since="""
        SELECT x.id, c.wrong
          FROM (SELECT m.id FROM scheme_message m WHERE {new:m}
                UNION SELECT m.id FROM transfer t JOIN scheme_message m ON m.transfer_id = t.id WHERE {new:t}
                UNION SELECT m.id FROM mandate d JOIN scheme_message m ON m.mandate_id = d.id WHERE {new:d}
                UNION SELECT m.id FROM ledger_entry e JOIN scheme_message m ON m.transaction_id = e.transaction_id
                       WHERE {new:e}) n
          JOIN scheme_message x ON x.id = n.id, LATERAL (SELECT scheme_message_contradiction(x) AS wrong) c
         WHERE c.wrong IS NOT NULL
        UNION ALL
        SELECT t.id, 'its message is gone' FROM ledger_transaction t
         WHERE {new:t} AND t.kind = 'incoming_payment'
           AND NOT EXISTS (SELECT FROM scheme_message WHERE transaction_id = t.id)""",
    ),
    Question(
        "The collections of each mandate match its messages",
        whole="""
        SELECT d.id, c.wrong FROM mandate d, LATERAL (SELECT mandate_contradiction(d) AS wrong) c
         WHERE c.wrong IS NOT NULL""",
        since="""
        SELECT x.id, c.wrong
          FROM (SELECT d.id FROM mandate d WHERE {new:d}
                UNION SELECT m.mandate_id FROM scheme_message m WHERE {new:m}) n
          JOIN mandate x ON x.id = n.id, LATERAL (SELECT mandate_contradiction(x) AS wrong) c
         WHERE c.wrong IS NOT NULL""",
    ),
    Question(
        "Each refund of a direct debit is credited correctly",
        whole="""
        SELECT r.id, c.wrong FROM direct_debit_refund r, LATERAL (SELECT refund_contradiction(r) AS wrong) c
         WHERE c.wrong IS NOT NULL
        UNION ALL
        SELECT t.id, 'its refund is gone' FROM ledger_transaction t
          JOIN scheme_message m ON m.transaction_id = t.reverses_id AND m.kind = 'collect'
         WHERE t.kind = 'refund' AND NOT EXISTS (SELECT FROM direct_debit_refund WHERE transaction_id = t.id)""",
        since="""
        SELECT x.id, c.wrong
          FROM (SELECT r.id FROM direct_debit_refund r WHERE {new:r}
                UNION SELECT r.id FROM scheme_message m JOIN direct_debit_refund r ON r.collection_id = m.id
                       WHERE {new:m}) n
          JOIN direct_debit_refund x ON x.id = n.id, LATERAL (SELECT refund_contradiction(x) AS wrong) c
         WHERE c.wrong IS NOT NULL
        UNION ALL
        SELECT t.id, 'its refund is gone' FROM ledger_transaction t
          JOIN scheme_message m ON m.transaction_id = t.reverses_id AND m.kind = 'collect'
         WHERE {new:t} AND t.kind = 'refund'
           AND NOT EXISTS (SELECT FROM direct_debit_refund WHERE transaction_id = t.id)""",
    ),
    Question(
        "Each exchange is booked in both currencies, at the rate that the bank quoted",
        whole="""
        SELECT x.id, c.wrong FROM exchange x, LATERAL (SELECT exchange_contradiction(x) AS wrong) c
         WHERE c.wrong IS NOT NULL
        UNION ALL
        SELECT x.id, 'its quote is gone' FROM exchange x
         WHERE NOT EXISTS (SELECT FROM exchange_quote q JOIN exchange_rate r ON r.id = q.of_rate_id
                            WHERE q.id = x.quote_id)
        UNION ALL
        SELECT t.id, 'its exchange is gone' FROM ledger_transaction t
         WHERE (t.kind = 'exchange' OR t.exchange_id IS NOT NULL) AND NOT EXISTS (
           SELECT FROM exchange x WHERE x.id = t.exchange_id AND t.id IN (x.sold_id, x.bought_id))""",
        since="""
        SELECT x.id, c.wrong
          FROM (SELECT x.id FROM exchange x WHERE {new:x}
                UNION SELECT x.id FROM exchange_quote q JOIN exchange x ON x.quote_id = q.id WHERE {new:q}
                UNION SELECT x.id FROM exchange_rate r JOIN exchange_quote q ON q.of_rate_id = r.id
                        JOIN exchange x ON x.quote_id = q.id WHERE {new:r}
                UNION SELECT t.exchange_id FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
                       WHERE {new:e} AND t.exchange_id IS NOT NULL
                UNION SELECT h.exchange_id FROM ledger_transaction t JOIN ledger_transaction h ON h.id = t.reverses_id
                       WHERE {new:t} AND h.exchange_id IS NOT NULL) n
          JOIN exchange x ON x.id = n.id, LATERAL (SELECT exchange_contradiction(x) AS wrong) c
         WHERE c.wrong IS NOT NULL
        UNION ALL
        SELECT x.id, 'its quote is gone' FROM exchange x
         WHERE NOT EXISTS (SELECT FROM exchange_quote q JOIN exchange_rate r ON r.id = q.of_rate_id
                            WHERE q.id = x.quote_id)
        UNION ALL
        SELECT t.id, 'its exchange is gone' FROM ledger_transaction t
         WHERE {new:t} AND (t.kind = 'exchange' OR t.exchange_id IS NOT NULL) AND NOT EXISTS (
           SELECT FROM exchange x WHERE x.id = t.exchange_id AND t.id IN (x.sold_id, x.bought_id))""",
    ),
    Question(
        "Each captured hold is debited from its account",
        whole="""
        SELECT h.id, c.wrong FROM hold h, LATERAL (SELECT hold_contradiction(h) AS wrong) c
         WHERE h.status = 'captured' AND c.wrong IS NOT NULL""",
        since="""
        SELECT x.id, c.wrong
          FROM (SELECT h.id FROM hold h WHERE {new:h}
                UNION SELECT h.id FROM ledger_entry e JOIN hold h ON h.captured_by_id = e.transaction_id
                       WHERE {new:e}) n
          JOIN hold x ON x.id = n.id, LATERAL (SELECT hold_contradiction(x) AS wrong) c
         WHERE x.status = 'captured' AND c.wrong IS NOT NULL""",
    ),
    Question(
        "Each reversal is the opposite of what it reverses",
        whole="""
        SELECT t.id, c.wrong FROM ledger_transaction t, LATERAL (
          SELECT reversal_contradiction(t.id, t.reverses_id) AS wrong) c
         WHERE t.reverses_id IS NOT NULL AND c.wrong IS NOT NULL""",
        since="""
        SELECT t.id, c.wrong FROM ledger_transaction t, LATERAL (
          SELECT reversal_contradiction(t.id, t.reverses_id) AS wrong) c
         WHERE {new:t} AND t.reverses_id IS NOT NULL AND c.wrong IS NOT NULL""",
    ),
    Question(
        "Each account's state and overdraft match their last recorded change",
        whole="""
        SELECT a.id, a.status, a.overdraft_minor, a.dormant_since FROM bank_account a
          LEFT JOIN LATERAL (SELECT status, overdraft_minor, dormant_since FROM account_act
                              WHERE account_id = a.id AND user_id IS NULL ORDER BY id DESC LIMIT 1) w ON true
         WHERE (a.status, a.overdraft_minor, a.dormant_since)
               IS DISTINCT FROM (coalesce(w.status, 'open'), coalesce(w.overdraft_minor, 0), w.dormant_since)""",
    ),
    Question(
        "Each access to an account matches its last recorded change",
        whole="""
        SELECT coalesce(x.account_id, w.account_id), coalesce(x.user_id, w.user_id), x.role, w.role
          FROM account_access x
          FULL JOIN (SELECT DISTINCT ON (account_id, user_id) account_id, user_id, role FROM account_act
                      WHERE user_id IS NOT NULL ORDER BY account_id, user_id, id DESC) w
            ON w.account_id = x.account_id AND w.user_id = x.user_id
         WHERE coalesce(x.role, '') <> coalesce(w.role, '')""",
    ),
    Question(
        "Each overdraft that an officer raised, and each access that an officer gave, was approved by a second officer",
        whole="""
        SELECT w.account_id, w.id, c.id FROM account_act w LEFT JOIN account_change c ON c.id = w.change_id
         WHERE w.change_id IS NOT NULL
           AND ((c.status, c.account_id, c.decided_by_id, c.user_id, c.role)
                 IS DISTINCT FROM ('approved', w.account_id, w.officer_id, w.user_id, w.role)
                OR c.requested_by_id = c.decided_by_id OR w.user_id IS NULL AND c.overdraft_minor <> w.overdraft_minor)
        UNION ALL
        SELECT c.account_id, NULL, c.id FROM account_change c
         WHERE c.status = 'approved' AND NOT EXISTS (SELECT FROM account_act w WHERE w.change_id = c.id)
        UNION ALL
        SELECT account_id, id, NULL FROM (
          SELECT *, lag(overdraft_minor, 1, 0::bigint) OVER (PARTITION BY account_id, user_id ORDER BY id) AS before
            FROM account_act) w
         WHERE officer_id IS NOT NULL AND change_id IS NULL AND (role <> '' OR overdraft_minor > before)""",
    ),
    Question(
        "Entries are booked in order, and closed months have not changed",
        # An index contains accounts, times and numbers, so rows are read only for accounts whose numbers do not
        # increase with the times.
        whole="""
        SELECT account_id, account_seq, booked_at FROM (
          SELECT account_id, account_seq, booked_at, value_date,
                 lag(booked_at) OVER (PARTITION BY account_id ORDER BY account_seq) AS before FROM ledger_entry
           WHERE account_id IN (SELECT account_id FROM (
             SELECT account_id, account_seq,
                    lag(account_seq) OVER (PARTITION BY account_id ORDER BY booked_at, account_seq) AS before
               FROM ledger_entry) by_time WHERE account_seq < before)) e
         WHERE value_date IS NOT NULL AND booked_at < before
        UNION ALL
        SELECT c.account_id, c.last_seq, c.ends_at FROM month_closing c
          LEFT JOIN ledger_entry e ON e.account_id = c.account_id AND e.account_seq = c.last_seq
         WHERE c.closing_minor <> coalesce(e.balance_after_minor, 0) OR (c.last_seq > 0 AND e.id IS NULL)
        UNION ALL
        SELECT c.account_id, e.account_seq, e.booked_at FROM month_closing c
          JOIN ledger_entry e ON e.account_id = c.account_id AND e.account_seq = c.last_seq + 1
         WHERE e.booked_at < c.ends_at""",
        since="""{with_new}
        SELECT e.account_id, e.account_seq, e.booked_at FROM new_entry e
          JOIN ledger_entry b ON b.account_id = e.account_id AND b.account_seq = e.account_seq - 1
         WHERE e.value_date IS NOT NULL AND e.booked_at < b.booked_at
        UNION ALL
        SELECT c.account_id, c.last_seq, c.ends_at FROM month_closing c
          LEFT JOIN ledger_entry e ON e.account_id = c.account_id AND e.account_seq = c.last_seq
         WHERE {new:c}
           AND (c.closing_minor <> coalesce(e.balance_after_minor, 0) OR (c.last_seq > 0 AND e.id IS NULL))
        UNION ALL
        SELECT c.account_id, e.account_seq, e.booked_at FROM month_closing c
          JOIN ledger_entry e ON e.account_id = c.account_id AND e.account_seq = c.last_seq + 1
         WHERE {new:c} AND e.booked_at < c.ends_at
        UNION ALL
        SELECT c.account_id, e.account_seq, e.booked_at FROM new_entry e
          JOIN month_closing c ON c.account_id = e.account_id AND c.last_seq = e.account_seq - 1
         WHERE e.booked_at < c.ends_at""",
    ),
    Question(
        "Each trial balance adds up and matches the ledger",
        whole="""
        SELECT l.day_id, l.currency, l.name FROM trial_balance_line l JOIN bank_day d ON d.day = l.day_id
          LEFT JOIN LATERAL last_entry_before(l.account_id, d.ends_at) e ON true
         WHERE l.account_id IS NOT NULL AND l.credit_minor - l.debit_minor <> coalesce(e.balance_minor, 0)
        UNION ALL
        SELECT day_id, currency, 'sum' FROM trial_balance_line
         GROUP BY day_id, currency HAVING sum(credit_minor) <> sum(debit_minor)""",
        since="""
        SELECT l.day_id, l.currency, l.name FROM trial_balance_line l JOIN bank_day d ON d.day = l.day_id
          LEFT JOIN LATERAL last_entry_before(l.account_id, d.ends_at) e ON true
         WHERE {new:l}
           AND l.account_id IS NOT NULL AND l.credit_minor - l.debit_minor <> coalesce(e.balance_minor, 0)
        UNION ALL
        SELECT day_id, currency, 'sum' FROM trial_balance_line
         WHERE day_id IN (SELECT n.day_id FROM trial_balance_line n WHERE {new:n})
         GROUP BY day_id, currency HAVING sum(credit_minor) <> sum(debit_minor)""",
    ),
    *RECORD_QUESTIONS,
    Question(
        "Each charge is booked correctly, and interest is charged to the last minor unit",
        whole=_charges(),
        since=_charges(
            "{new:c}",
            """account_id IN (SELECT n.account_id FROM account_charge n WHERE {new:n}
                              UNION SELECT i.account_id FROM interest_accrual i WHERE {new:i})""",
        ),
    ),
    Question(
        "Each entry, its transaction and its transfer match the last digest",
        whole="""
        SELECT account_id, seq FROM ledger_digest
         WHERE digest <> expected_digest(account_id, seq)
        UNION ALL
        SELECT d.account_id, max(d.seq) FROM ledger_digest d JOIN bank_account a ON a.id = d.account_id
         GROUP BY d.account_id, a.last_seq HAVING max(d.seq) > a.last_seq""",
        # New links, and links that cover an entry which has changed, or whose transaction or transfer has changed.
        since="""{with_new}
        SELECT d.account_id, d.seq FROM (
          SELECT d.account_id, d.seq FROM ledger_digest d WHERE {new:d}
          UNION
          SELECT e.account_id, (SELECT min(d.seq) FROM ledger_digest d
                                 WHERE d.account_id = e.account_id AND d.seq >= e.account_seq)
            FROM (SELECT account_id, account_seq FROM new_entry
                  UNION SELECT e.account_id, e.account_seq FROM ledger_transaction t
                          JOIN ledger_entry e ON e.transaction_id = t.id WHERE {new:t}
                  UNION SELECT e.account_id, e.account_seq FROM transfer x
                          JOIN ledger_entry e ON e.transaction_id = x.transaction_id WHERE {new:x}) e) n
          JOIN ledger_digest d ON d.account_id = n.account_id AND d.seq = n.seq
         WHERE d.digest <> expected_digest(d.account_id, d.seq)
        UNION ALL
        SELECT a.id, a.last_seq FROM new_account a
         WHERE EXISTS (SELECT FROM ledger_digest d WHERE d.account_id = a.id AND d.seq > a.last_seq)""",
    ),
)
