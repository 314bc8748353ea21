"""Emails about a user's money: a new payee, a large payment, a payment order that is new, on hold, not paid or ended.

A notice is enqueued as a job in the transaction that causes it, so it is sent if and only if that transaction commits.
May import `consents`, the models and what lies below them.
"""

from banking.notices.kinds import TASK, Kind, enqueue_notice

__all__ = ["TASK", "Kind", "enqueue_notice"]
