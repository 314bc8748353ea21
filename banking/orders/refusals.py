"""Why the bank refuses to set up or change a payment order."""

from django.utils.translation import gettext_noop as _

from banking.ledger.refusals import LedgerRefusal


class NotActive(LedgerRefusal):
    code = "scheduled_transfer_not_active"
    title = _("The order is completed or was cancelled before.")
    status = 409


class NotHeld(LedgerRefusal):
    code = "scheduled_transfer_not_held"
    title = _("The order is not on hold, or only the bank can release it.")
    status = 409


class TooManyOrders(LedgerRefusal):
    code = "too_many_orders"
    title = _("There are as many orders as one person may have. Cancel one first.")
    status = 409
