"""The bank's reasons to refuse a payment, in addition to those of the ledger."""

from django.utils.translation import gettext_noop as _

from banking.ledger.refusals import NotAllowed, Refusal, WrongState


class PayeeUnreachable(Refusal):
    code = "payee_unreachable"
    title = _("No payment can be made to this destination.")


class LimitExceeded(Refusal):
    code = "limit_exceeded"
    title = _("This is more than a new payee can get.")


class OwnLimitExceeded(Refusal):
    code = "own_limit_exceeded"
    title = _("This is more than the limit that you set for payments to others.")


class DuplicateTransfer(WrongState):
    """`duplicate_of` among the facts is the id of the first transfer."""

    code = "duplicate_transfer"
    title = "The same payment was ordered a moment ago."


class AccountDormant(WrongState):
    code = "account_dormant"
    title = _("Nobody has used this account for a long time. A holder must use it again in the web bank first.")
    is_final = False


class NotCancellable(WrongState):
    code = "transfer_not_cancellable"
    title = _("The transfer is no longer pending: it was made, rejected, cancelled, or handed to the other bank.")


class NotOwed(WrongState):
    code = "transfer_not_owed"
    title = "There is no money to take: the other bank was not paid, or the money is no longer held."


class AccountHolderInactive(NotAllowed):
    code = "account_holder_inactive"
    title = "The user account is disabled; no money can be moved."
    is_final = False


class IdempotencyKeyReused(Refusal):
    code = "idempotency_key_reused"
    title = "This key was used with another body. A new order needs a new key."
    is_final = False


class RequestInProgress(WrongState):
    code = "request_in_progress"
    title = "The first request with this key is still running."
    is_final = False


class StrongProofNeeded(Exception):
    """The user must log in again to confirm that it is them. This is not a Refusal, because the same request can
    succeed afterwards.
    """


class NotTheirs(Exception):
    """The user has no such account, transfer or order, or may not use it in this way. The answer does not say which: an
    object of another user gets the same answer as one that does not exist."""
