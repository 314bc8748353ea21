"""Refusals of the bank as messages on a page, in the user's language, and the status of the page that shows them."""

from django.utils.translation import gettext as _

from banking.ledger.refusals import Refusal, WrongState


def message_of(refusal: Refusal) -> str:
    return _(refusal.detail)


def status_of(refusal: Refusal) -> int:
    return 409 if isinstance(refusal, WrongState) else 422


def access_ended() -> str:
    """For a user whose access to the paying account ended, or became that of a reader, after they filled in a form."""
    return _("You can no longer pay from this account. No money was moved.")
