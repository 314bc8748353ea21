"""Payment orders: a payment on a later day, or a standing order.

The user or an app sets one up (`create`); the background worker makes its transfers (`run_due`), each by the rules that
apply to a transfer on that day. Independent of HTTP. May import `payments` and what lies below it.
"""

from banking.orders.due import hold_if_app_ended, hold_orders_of_deleted_app, pay, run_due
from banking.orders.lifecycle import PAY, cancel, change, create, hold, pause, release, resume

__all__ = [
    "PAY",
    "cancel",
    "change",
    "create",
    "hold",
    "hold_if_app_ended",
    "hold_orders_of_deleted_app",
    "pause",
    "pay",
    "release",
    "resume",
    "run_due",
]
