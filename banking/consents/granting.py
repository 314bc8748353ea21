"""What both types of details share: schemas, the choice of accounts, and the stored consent."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from uuid_utils.compat import uuid7

from banking.models import Account, Consent
from banking.notation import amounts, iban
from oauth.authorization_details import Choice

#: With more accounts than this the token names the consent only, and the API reads its accounts from the database.
MOST_ACCOUNTS_IN_A_TOKEN = 20
LOCATIONS = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
ACCOUNT_ID = {"type": "string", "pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"}


def closed_object(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    """The JSON Schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def open_accounts(user: Any, *, may_pay: bool = False) -> QuerySet[Account]:
    """The open accounts that the user may share; with `may_pay`, only those that they may also pay from."""
    return (
        Account.objects.of_user(user.pk, may_pay=may_pay).filter(status=Account.Status.OPEN).order_by("opened_at", "id")
    )


def picked_accounts(user: Any, chosen: Sequence[str]) -> list[Account]:
    """The chosen accounts; empty if the user may not share one of them."""
    accounts = list(open_accounts(user).filter(pk__in=uuids(chosen)))
    return accounts if len(accounts) == len(set(chosen)) else []


def accounts_in_detail(accounts: Sequence[Account]) -> dict[str, Any]:
    """The members of a granted detail that name the accounts."""
    ids = sorted(str(account.pk) for account in accounts)
    return {"accounts": ids} if len(ids) <= MOST_ACCOUNTS_IN_A_TOKEN else {"accounts_by": "consent"}


def choice_of(account: Account, *, is_ticked: bool) -> Choice:
    return Choice(str(account.pk), account.name, number_of(account), is_ticked, amount=balance_of(account))


def balance_of(account: Account) -> str:
    """What may be spent from it now."""
    return amounts.with_symbol(account.currency, account.available_minor)


def number_of(account: Account) -> str:
    return f"{iban.ending(account.iban)} · {account.currency}"


def uuids(chosen: Sequence[str]) -> list[UUID]:
    """Empty if one of them is no UUID."""
    try:
        return [UUID(value) for value in chosen]
    except ValueError:
        return []


def store_consent(detail: dict[str, Any], user: Any, client_id: str, accounts: list[Account]) -> dict[str, Any]:
    """Stores the consent and returns the detail as it is granted, with the consent's `identifier`."""
    identifier = uuid7()
    granted = {**detail, "identifier": str(identifier)}
    consent = Consent.objects.create(id=identifier, user=user, client_id=client_id, type=detail["type"], detail=granted)
    consent.accounts.set(accounts)
    return granted
