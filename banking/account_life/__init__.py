"""The life of an account beyond its money: asked for, named, shared with others, unused for a long time, closed.

What ends here ends everywhere in the same transaction: orders, direct debits, what apps were allowed,
invitations. May import `orders`, `direct_debits`, `payments` and what lies below them.
"""
