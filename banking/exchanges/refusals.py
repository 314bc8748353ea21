"""The bank's reasons to refuse an exchange, in addition to those of the ledger and of payments."""

from django.utils.translation import gettext_noop as _

from banking.ledger.refusals import Refusal, WrongState


class NoRate(Refusal):
    """Also raised for play money (XTS), which cannot have a rate."""

    code = "no_exchange_rate"
    title = _("We have no current rate for these two currencies.")


class SameCurrency(Refusal):
    code = "same_currency"
    title = _("Both accounts have the same currency. Make a transfer instead.")


class QuoteExpired(WrongState):
    code = "quote_expired"
    title = _("The quote has expired. Ask for a new one.")


class QuoteUsed(WrongState):
    code = "quote_used"
    title = _("The quote has already been used. Ask for a new one.")


class RateMoved(WrongState):
    code = "rate_moved"
    title = _("The bank's rate has changed since the quote. Ask for a new one.")
