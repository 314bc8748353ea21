"""Notes on migrations that only their authors can give: about code that no rule can judge, or about a lock on a table
that stays small.

A migration that is in no release yet needs an entry here if `judge` finds more than SAFE or SLOW
(tests/config/test_upgrades.py).
"""

from config.upgrades.verdict import Finding, Verdict

#: The newest migration of each app in the last release, 0.2.0.
RELEASED = {
    "accounts": "0003_inactive_users",
    "banking": "0012_payments_stay",
    "oauth": "0016_single_use_without_locks",
}

_FUNCTIONS = "makes functions and triggers"
KNOWN = {
    "banking.0016_plain_scope_sentences": Finding(Verdict.SAFE, "oauth_scope", "new sentences of a dozen scopes"),
    "banking.0018_two_officers": Finding(
        Verdict.SAFE, "reversal_request", "a row for each reversal that staff ask for"
    ),
    "banking.0023_around_the_ledger": Finding(Verdict.SAFE, "", _FUNCTIONS),
    "banking.0027_posting": Finding(Verdict.SAFE, "", _FUNCTIONS),
    "banking.0028_payment": Finding(Verdict.SAFE, "", _FUNCTIONS),
    "banking.0033_account_acts": Finding(Verdict.SAFE, "", f"new tables; {_FUNCTIONS}"),
    "banking.0046_short_locks": Finding(Verdict.SAFE, "ledger_entry", f"{_FUNCTIONS}; drops indexes and foreign keys"),
    "banking.0057_old_snapshots": Finding(Verdict.SAFE, "", f"{_FUNCTIONS}; a foreign key that is validated later"),
    "banking.0069_ids_of_deliveries": Finding(Verdict.SAFE, "", _FUNCTIONS),
    "banking.0070_new_joint_accounts": Finding(Verdict.SAFE, "", _FUNCTIONS),
    "oauth.0031_sentence_of_profile": Finding(Verdict.SAFE, "oauth_scope", "a new sentence of one scope"),
    "oauth.0042_partitions": Finding(
        Verdict.SLOW, "oauth_auditevent", "reads three tables without blocking, then makes each a partition at once"
    ),
    "oauth.0048_same_microsecond": Finding(
        Verdict.SAFE, "oauth_usedassertion_first", "drops a constraint of two partitions, and reads no row"
    ),
    "oauth.0034_client_logo": Finding(Verdict.SAFE, "oauth_client", "an index of the clients, which are few"),
}
