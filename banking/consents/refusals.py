"""Why a consent to one transfer (RFC 9396) does not allow a payment."""

from banking.ledger.refusals import NotAllowed, WrongState


class ConsentDiffers(NotAllowed):
    code = "insufficient_authorization"
    title = "The user allowed another transfer: account, payee, amount and reference must be the same."
    is_final = False


class ConsentUsed(WrongState):
    code = "authorization_already_used"
    title = "The user allowed this transfer once, and it was made."
    is_final = False
