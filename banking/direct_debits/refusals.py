"""Why a direct debit cannot be changed."""

from django.utils.translation import gettext_noop as _

from banking.ledger.refusals import WrongState


class MandateNotActive(WrongState):
    code = "direct_debit_not_active"
    title = _("The direct debit is not active: it was cancelled, or was collected once for all.")
