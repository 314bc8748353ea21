"""Why a direct debit cannot be changed."""

from django.utils.translation import gettext_noop as _

from banking.ledger.refusals import WrongState


class MandateNotActive(WrongState):
    code = "direct_debit_not_active"
    title = _("The direct debit is not active: it was cancelled, or was for a single collection that has been made.")


class AlreadyRefunded(WrongState):
    code = "collection_already_refunded"
    title = _("A refund of this collection has already been requested.")


class RefundTooLate(WrongState):
    code = "refund_too_late"
    title = _(
        "It is too late: you can request a refund of a direct debit for eight weeks, or for thirteen months if you "
        "never allowed it."
    )
