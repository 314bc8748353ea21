"""The balance of an account at the end of a day, from its entries."""

#: The balance of `bank_account a` at `%(ends)s`. Most accounts have had no entry since then, so for them no entry is
#: read.
BALANCE = """
CASE WHEN a.last_seq = 0 THEN 0
     WHEN a.last_booked_at < %(ends)s THEN a.posted_minor
     ELSE coalesce((SELECT balance_minor FROM last_entry_before(a.id, %(ends)s)), 0) END
"""
