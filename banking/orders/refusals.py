"""Why the bank refuses to set up or change a payment order."""

from django.utils.translation import gettext_noop as _

from banking.ledger.refusals import NotAllowed, Refusal, WrongState


class NotActive(WrongState):
    code = "scheduled_transfer_not_active"
    title = _("The order is not active.")


class NotHeld(WrongState):
    code = "scheduled_transfer_not_held"
    title = _("The order is not on hold, or only the bank can release it.")


class OfAnotherUser(NotAllowed):
    code = "scheduled_transfer_of_another_user"
    title = _("Another user set up the order. Only they can change or resume it; you can pause or cancel it.")


class TooManyOrders(WrongState):
    code = "too_many_orders"
    title = _("You have reached the bank's maximum number of orders. Cancel one first.")


class NoDay(Refusal):
    code = "scheduled_transfer_without_a_day"
    title = _("No day is left on which the order would pay. Choose a later last day.")
