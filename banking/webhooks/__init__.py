"""Sends events to apps: each at least once, signed, and only if the app may know of it. An event is written in the
transaction that causes it (`announce`). The background worker sends it (`deliver`), and checks at each attempt whether
the app may still know of it: an event for which the user has removed the account or the scope is dropped. An app that
answers slowly delays no other app. May import `consents` and what lies below it.
"""

from banking.webhooks.announcing import announce, ping, send_again
from banking.webhooks.consents import watch_consents
from banking.webhooks.delivery import GONE, NotDelivered, deliver
from banking.webhooks.permission import SCOPES_OF_EVENTS
from banking.webhooks.queue import ATTEMPTS, TASK, enqueue
from banking.webhooks.retries import UntilDelivered

__all__ = [
    "ATTEMPTS",
    "GONE",
    "SCOPES_OF_EVENTS",
    "TASK",
    "NotDelivered",
    "UntilDelivered",
    "announce",
    "deliver",
    "enqueue",
    "ping",
    "send_again",
    "watch_consents",
]
