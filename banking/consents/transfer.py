"""Details of type `transfer` (RFC 9396): one transfer that a user allows an app to make. Registered with the
authorization server by OAUTH["AUTHORIZATION_DETAILS_TYPES"]."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from banking.consents.granting import (
    ACCOUNT_ID,
    LOCATIONS,
    choice_of,
    closed_object,
    number_of,
    open_accounts,
    store_consent,
    uuids,
)
from banking.models import Account
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation import amounts, iban
from banking.notation.currencies import OF_ACCOUNTS
from oauth.authorization_details import Detail, DetailsType, NotAnswered, Question, Summary

TRANSFER = "transfer"


class TransferDetails(DetailsType):
    """One transfer, made once, exactly as the user saw it (dynamic linking, SCA-RTS art. 5).

    Requested: `{"type": "transfer", "actions": ["initiate"], "instructed_amount": {...}, "creditor": {...},
    "reference"}`. A granted detail also has `identifier` and `debtor_account`.
    """

    schema = closed_object(
        ("type", "instructed_amount", "creditor", "reference"),
        type={"const": TRANSFER},
        actions={"type": "array", "items": {"const": "initiate"}, "minItems": 1, "maxItems": 1},
        locations=LOCATIONS,
        instructed_amount=closed_object(
            ("currency", "minor_units"),
            currency={"enum": sorted(OF_ACCOUNTS)},
            minor_units={"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT_MINOR},
        ),
        creditor=closed_object(
            ("scheme", "identifier", "name"),
            scheme={"const": "iban"},
            identifier={"type": "string", "minLength": 5, "maxLength": iban.MAX_WRITTEN_CHARACTERS},
            name={"type": "string", "minLength": 1, "maxLength": 140},
        ),
        reference={"type": "string", "minLength": 1, "maxLength": 140},
        # A hint: the account to preselect.
        debtor_account=ACCOUNT_ID,
    )

    def check(self, detail: Detail) -> None:
        creditor = detail["creditor"]
        if not iban.is_valid(iban.compact(creditor["identifier"])):
            raise ValueError("creditor/identifier must be a valid IBAN.")
        # The bank API removes such spaces, so no request for the transfer would equal the details.
        texts = {f"creditor/{name}": creditor[name] for name in ("identifier", "name")}
        for where, text in {**texts, "reference": detail["reference"]}.items():
            if text != text.strip():
                raise ValueError(f"{where} must not begin or end with a space.")

    def scopes(self, detail: Detail) -> Iterable[str]:
        return ["transfers:write"]

    def question(self, detail: Detail, user: Any) -> Question:
        amount = detail["instructed_amount"]
        hint = detail.get("debtor_account")
        accounts = list(open_accounts(user, may_pay=True).filter(currency=amount["currency"]))
        named = (account for account in accounts if str(account.pk) == hint)
        rich = (account for account in accounts if account.available_minor >= amount["minor_units"])
        ticked = next(named, None) or next(rich, None) or next(iter(accounts), None)
        paid = amounts.with_symbol(amount["currency"], amount["minor_units"])
        return Question(
            title=_("Pay %(amount)s to %(payee)s") % {"amount": paid, "payee": detail["creditor"]["name"]},
            facts=_payee(detail),
            prompt=_("From which account?"),
            choices=[choice_of(account, is_ticked=account == ticked) for account in accounts],
            button=_("Pay %(amount)s") % {"amount": paid},
            is_once=True,
        )

    def summary(self, detail: Detail) -> Summary:
        accounts = Account.objects.filter(consents=detail["identifier"])
        return Summary(
            _("Make this transfer, once"),
            facts=[*_transfer(detail), *((_("From"), f"{one.name} {number_of(one)}") for one in accounts)],
        )

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        currency = detail["instructed_amount"]["currency"]
        accounts = list(open_accounts(user, may_pay=True).filter(pk__in=uuids(chosen), currency=currency))
        if len(accounts) != 1 or len(chosen) != 1:
            raise NotAnswered(_("Pick the account that pays, or choose Deny."))
        return store_consent({**detail, "debtor_account": str(accounts[0].pk)}, user, client_id, accounts)


def _transfer(detail: Detail) -> list[tuple[str, str]]:
    amount = detail["instructed_amount"]
    return [(_("Amount"), amounts.with_symbol(amount["currency"], amount["minor_units"])), *_payee(detail)]


def _payee(detail: Detail) -> list[tuple[str, str]]:
    creditor = detail["creditor"]
    return [
        (_("To"), creditor["name"]),
        (_("Account number"), iban.grouped(iban.compact(creditor["identifier"]))),
        (_("Reference"), detail["reference"]),
    ]
