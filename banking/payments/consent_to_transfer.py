"""The consent page of one transfer (RFC 9396), with the result of the payee check. Registered with the authorization
server by OAUTH["AUTHORIZATION_DETAILS_TYPES"]."""

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from banking.consents.transfer import TransferDetails
from banking.payments import payee_lookups
from banking.payments.payee_confirmation import confirm_payee
from oauth.authorization_details import Detail, Question
from oauth.infrastructure.rate_limits import LimitReached


class ConsentToTransfer(TransferDetails):
    """Says whether the payee's name, which the app sent, matches the account (Verification of Payee)."""

    def question(self, detail: Detail, user: Any) -> Question:
        return replace(super().question(detail, user), notice=_payee_check(detail, user))


def _payee_check(detail: Detail, user: Any) -> tuple[str, str]:
    """Returns (kind, text). Never reveals the holder's name, because the app, not the user, chose the name to
    compare.
    """
    creditor = detail["creditor"]
    try:
        payee_lookups.spend(user.pk)
    except LimitReached:
        return "warn", _("We have not checked the name. Pay only if you are sure who gets the money.")
    match confirm_payee(creditor["identifier"], creditor["name"], asked_by=user.pk).result:
        case "match":
            return "good", _("The name matches the account.")
        case "close_match":
            return "warn", _("The name nearly matches the account. Check it before you pay.")
        case "no_match":
            return "bad", _("The name does not match the account. It may belong to somebody else.")
        case _:
            return "warn", _("The account is at another bank, which does not tell us the name of its holder.")
