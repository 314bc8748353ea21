"""The details that an app may ask for in a rich authorization request (RFC 9396), registered with the authorization
server by OAUTH["AUTHORIZATION_DETAILS_TYPES"]: which accounts an app reads, and one transfer as it will be made."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import formats
from django.utils.dateparse import parse_date, parse_duration
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from banking import amounts, iban
from banking.models import Account, Consent
from banking.models.ledger import MAX_AMOUNT_MINOR
from oauth.authorization_details import Choice, Detail, DetailsType, NotAnswered, Question, Summary

ACCOUNT_INFORMATION, TRANSFER = "account_information", "transfer"
#: Above this the token names the consent only, and the API reads its accounts from the table.
MOST_ACCOUNTS_IN_A_TOKEN = 20
_SCOPE_OF_ACTION = {
    "accounts": "accounts:read",
    "balances": "balances:read",
    "transactions": "transactions:read",
    "statements": "statements:read",
}
_LOCATIONS = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
_ACCOUNT_ID = {"type": "string", "pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"}


def _closed(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


class AccountInformation(DetailsType):
    """`{"type": "account_information", "actions": [...], "valid_for": "P90D", "history_from": "2026-01-01"}`; the
    person picks the accounts. Granted, it also has `identifier` and `accounts`, or `"accounts_by": "consent"`."""

    schema = _closed(
        ("type", "actions"),
        type={"const": ACCOUNT_INFORMATION},
        actions={"type": "array", "items": {"enum": list(_SCOPE_OF_ACTION)}, "minItems": 1, "uniqueItems": True},
        locations=_LOCATIONS,
        valid_for={"type": "string", "pattern": r"^P[1-9][0-9]{0,3}D\Z"},
        history_from={"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"},
        # A hint: what is ticked before the person decides.
        accounts={"type": "array", "items": _ACCOUNT_ID, "minItems": 1, "uniqueItems": True},
    )

    def check(self, detail: Detail) -> None:
        if "history_from" in detail and _day(detail) is None:
            raise ValueError("history_from is a date.")

    def scopes(self, detail: Detail) -> Iterable[str]:
        return [_SCOPE_OF_ACTION[action] for action in detail["actions"]]

    def lifetime(self, detail: Detail) -> timedelta | None:
        return parse_duration(detail["valid_for"]) if "valid_for" in detail else None

    def question(self, detail: Detail, user: Any) -> Question:
        accounts = list(_open(user))
        hints = detail.get("accounts") or [str(account.pk) for account in accounts]
        return _which(detail, accounts, ticked=hints)

    def summary(self, detail: Detail) -> Summary:
        accounts = Account.objects.filter(consents=detail["identifier"]).order_by("opened_at", "id")
        picked = [(account.name, _number(account)) for account in accounts]
        return Summary(_("See accounts that you picked"), _sentences(detail), [*picked, *_history(detail)])

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        accounts = _picked(user, chosen)
        if not accounts:
            raise NotAnswered(_("Pick at least one account, or choose Deny."))
        return _consent(_naming(detail, accounts), user, client_id, accounts)

    def question_again(self, detail: Detail, user: Any) -> Question:
        picked = Account.objects.filter(consents=detail["identifier"]).values_list("pk", flat=True)
        return _which(detail, _open(user), ticked=[str(pk) for pk in picked])

    def changed(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        accounts = _picked(user, chosen)
        if not accounts:
            raise NotAnswered(_("Pick at least one account, or remove the app."))
        changed = _naming(detail, accounts)
        consent = Consent.objects.get(pk=detail["identifier"], user=user, client_id=client_id)
        consent.detail = changed
        consent.save(update_fields=["detail"])
        consent.accounts.set(accounts)
        return changed


class TransferDetails(DetailsType):
    """`{"type": "transfer", "actions": ["initiate"], "instructed_amount": {...}, "creditor": {...}, "reference"}`: one
    transfer, made once, as the person saw it (dynamic linking). Granted, it also has `identifier` and
    `debtor_account`."""

    schema = _closed(
        ("type", "instructed_amount", "creditor", "reference"),
        type={"const": TRANSFER},
        actions={"type": "array", "items": {"const": "initiate"}, "minItems": 1, "maxItems": 1},
        locations=_LOCATIONS,
        instructed_amount=_closed(
            ("currency", "minor_units"),
            currency={"type": "string", "pattern": r"^[A-Z]{3}\Z"},
            minor_units={"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT_MINOR},
        ),
        creditor=_closed(
            ("scheme", "identifier", "name"),
            scheme={"const": "iban"},
            identifier={"type": "string", "minLength": 5, "maxLength": 42},
            name={"type": "string", "minLength": 1, "maxLength": 140},
        ),
        reference={"type": "string", "minLength": 1, "maxLength": 140},
        # A hint: the account that is ticked before the person decides.
        debtor_account=_ACCOUNT_ID,
    )

    def check(self, detail: Detail) -> None:
        if not iban.is_valid(iban.compact(detail["creditor"]["identifier"])):
            raise ValueError("creditor/identifier is no IBAN.")

    def scopes(self, detail: Detail) -> Iterable[str]:
        return ["transfers:write"]

    def question(self, detail: Detail, user: Any) -> Question:
        amount = detail["instructed_amount"]
        hint = detail.get("debtor_account")
        accounts = list(_open(user, may_pay=True).filter(currency=amount["currency"]))
        ticked = hint if any(str(account.pk) == hint for account in accounts) else None
        return Question(
            title=_("Make this transfer, once"),
            headline=amounts.written(amount["currency"], amount["minor_units"]),
            facts=_transfer(detail),
            prompt=_("From which account?"),
            choices=[
                _choice(account, is_ticked=str(account.pk) == ticked if ticked else number == 0)
                for number, account in enumerate(accounts)
            ],
        )

    def summary(self, detail: Detail) -> Summary:
        accounts = Account.objects.filter(consents=detail["identifier"])
        return Summary(
            _("Make this transfer, once"),
            facts=[*_transfer(detail), *((_("From"), f"{one.name} {_number(one)}") for one in accounts)],
        )

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        currency = detail["instructed_amount"]["currency"]
        accounts = list(_open(user, may_pay=True).filter(pk__in=_ids(chosen), currency=currency))
        if len(accounts) != 1 or len(chosen) != 1:
            raise NotAnswered(_("Pick the account that pays, or choose Deny."))
        return _consent({**detail, "debtor_account": str(accounts[0].pk)}, user, client_id, accounts)


def _consent(detail: dict[str, Any], user: Any, client_id: str, accounts: list[Account]) -> dict[str, Any]:
    identifier = uuid7()
    granted = {**detail, "identifier": str(identifier)}
    consent = Consent.objects.create(id=identifier, user=user, client_id=client_id, type=detail["type"], detail=granted)
    consent.accounts.set(accounts)
    return granted


def _which(detail: Detail, accounts: Iterable[Account], *, ticked: Sequence[str]) -> Question:
    return Question(
        title=_("See accounts that you pick"),
        sentences=_sentences(detail),
        facts=_history(detail),
        prompt=_("Which accounts?"),
        choices=[_choice(account, is_ticked=str(account.pk) in ticked) for account in accounts],
        takes_several=True,
    )


def _picked(user: Any, chosen: Sequence[str]) -> list[Account]:
    """Empty where one of them is not theirs to share."""
    accounts = list(_open(user).filter(pk__in=_ids(chosen)))
    return accounts if len(accounts) == len(set(chosen)) else []


def _naming(detail: Detail, accounts: list[Account]) -> dict[str, Any]:
    ids = sorted(str(account.pk) for account in accounts)
    by = {"accounts": ids} if len(ids) <= MOST_ACCOUNTS_IN_A_TOKEN else {"accounts_by": "consent"}
    return {name: value for name, value in detail.items() if name not in ("accounts", "accounts_by")} | by


def _open(user: Any, *, may_pay: bool = False) -> QuerySet[Account]:
    """What the person may share: of an account that they only look after, no payment."""
    return Account.objects.of(user.pk, may_pay=may_pay).filter(status=Account.Status.OPEN).order_by("opened_at", "id")


def _choice(account: Account, *, is_ticked: bool) -> Choice:
    return Choice(str(account.pk), account.name, _number(account), is_ticked)


def _number(account: Account) -> str:
    return f"{iban.ending(account.iban)} · {account.currency}"


def _sentences(detail: Detail) -> list[str]:
    sentences = {
        "accounts": _("names and kinds of the accounts, with their numbers partly hidden"),
        "balances": _("how much money is in them"),
        "transactions": _("what came in and went out"),
        "statements": _("their monthly statements"),
    }
    return [sentences[action] for action in detail["actions"]]


def _history(detail: Detail) -> list[tuple[str, str]]:
    day = _day(detail)
    return [(_("History since"), formats.date_format(day))] if day else []


def _transfer(detail: Detail) -> list[tuple[str, str]]:
    amount, creditor = detail["instructed_amount"], detail["creditor"]
    return [
        (_("Amount"), amounts.written(amount["currency"], amount["minor_units"])),
        (_("To"), creditor["name"]),
        (_("Account number"), iban.grouped(iban.compact(creditor["identifier"]))),
        (_("Reference"), detail["reference"]),
    ]


def _ids(chosen: Sequence[str]) -> list[UUID]:
    try:
        return [UUID(value) for value in chosen]
    except ValueError:
        return []


def _day(detail: Detail) -> date | None:
    try:
        return parse_date(detail.get("history_from", ""))
    except ValueError:
        return None
