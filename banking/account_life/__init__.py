"""The life of an account beyond its money: asked for, named, shared with others, unused for a long time, closed.

When an account or an access ends here, everything that depends on it ends in the same transaction: orders, direct
debits, the access of apps, invitations. May import `orders`, `direct_debits`, `payments` and what lies below them.
"""
