"""Refusals of the bank as messages on a page, in the user's language, and the status of the page that shows them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from banking.ledger.refusals import Refusal, WrongState
from banking.web.user import see_other


def message_of(refusal: Refusal) -> str:
    return _(refusal.detail)


def status_of(refusal: Refusal) -> int:
    return 409 if isinstance(refusal, WrongState) else 422


def access_ended(request: HttpRequest, form_page: str) -> HttpResponse:
    """Sends a user back to the form if their access to the paying account ended, or became that of a reader, after they
    filled the form in.
    """
    messages.error(request, _("You can no longer pay from this account. No money was moved."))
    return see_other(form_page)
