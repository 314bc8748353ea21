"""Refusals because of the state or the number of payment orders, accounts and webhooks."""

from banking.api.explanations.explanation import Explanation

_ORDER = "POST /api/v1/scheduled-transfers"
_ONE = f"{_ORDER}/01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d22"

EXPLANATIONS = {
    "scheduled_transfer_not_active": Explanation(
        409,
        "The order is completed or cancelled, or it is on hold and can therefore not be paused.",
        "Read its `status`. For further payments, schedule another transfer.",
        f"{_ONE}/cancel",
        "The order is not active.",
    ),
    "scheduled_transfer_not_held": Explanation(
        409,
        "The order is active, or is on hold for a reason that only the bank can end.",
        "Read `status` and `held_reason` of the order. The app can end only what the user or the app has paused.",
        f"{_ONE}/resume",
        "The order is not on hold, or only the bank can release it.",
    ),
    "scheduled_transfer_of_another_user": Explanation(
        403,
        "Another user of a shared account set up the order. It pays by the limits and to the payees of that user.",
        "Pause or cancel the order, and schedule another transfer for the user of the token.",
        f"{_ONE}/resume",
        "Another user set up the order. Only they can change or resume it; you can pause or cancel it.",
    ),
    "scheduled_transfer_without_a_day": Explanation(
        422,
        "With these values, the order would never pay.",
        "Choose a later `last_on`, or leave it out for an order without an end.",
        _ORDER,
        "No day is left on which the order would pay. Choose a later last day.",
    ),
    "too_many_orders": Explanation(
        409,
        "The user has reached the bank's maximum number of payment orders.",
        "Cancel one with POST /scheduled-transfers/{scheduled_id}/cancel, or ask the user to.",
        _ORDER,
        "You have reached the bank's maximum number of orders. Cancel one first.",
    ),
    "too_many_accounts": Explanation(
        409,
        "The token may see more than 100 accounts. The feed has at most 100, because its cursor holds a number for "
        "each account.",
        "Read the transactions of each account with `after_seq`. This also misses no transaction.",
        "GET /api/v1/transactions",
        "The feed has at most 100 accounts. Read each account's transactions with after_seq.",
    ),
    "too_many_webhooks": Explanation(
        409,
        "The client has 10 webhooks for this user.",
        "Remove one with DELETE /webhooks/{webhook_id}. One webhook can receive events of every kind.",
        "POST /api/v1/webhooks",
        "You have 10 webhooks already; remove one first.",
    ),
}
