"""The life of an account beyond its money: asked for, named, shared with others, unused for long, closed.

What ends here is over at every door in the same transaction: orders, direct debits, what apps were allowed,
invitations. May import `orders`, `direct_debits`, `payments` and what lies below them.
"""
