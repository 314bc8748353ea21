"""The life of an account apart from payments: users apply for an account, name it, share it, leave it unused for a long
time, and close it.

When an account or an access ends here, everything that depends on it ends in the same transaction: orders, direct
debits, the access of apps, invitations. May import `orders`, `direct_debits`, `end_of_day` and what lies below them.
"""
