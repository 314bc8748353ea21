"""Code that the types of details share: schemas, the choice of accounts, and the stored consent."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from banking.models import Account, Consent
from banking.notation import amounts, iban
from oauth import authorization_details
from oauth.authorization_details import Again, Choice, Insert, NotAnswered
from oauth.fast_path.compiled_query import CompiledQuery

#: If there are more accounts than this, the token names only the consent, and the API reads the accounts from the
#: database.
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
    """The open accounts that the user may share; with `may_pay`, only those that can pay now and that the user may pay
    from.
    """
    accounts = _open_accounts(user.pk, may_pay=may_pay)
    return accounts.filter(dormant_since=None) if may_pay else accounts


def _open_accounts(user_id: UUID, *, may_pay: bool = False) -> QuerySet[Account]:
    accounts = Account.objects.of_user(user_id, may_pay=may_pay).filter(status=Account.Status.OPEN)
    return accounts.order_by("opened_at", "id")


def open_or_kept(user: Any, consent: str | None) -> QuerySet[Account]:
    """The accounts that the user may pick for an app that has access already: the open ones, and those that the consent
    covers and that are frozen now. Otherwise a freeze, which is temporary, would remove an account from the app for
    good when the user changes the others. `consent` is the identifier of the detail; None if the app has access to all
    accounts.
    """
    frozen = Q(status=Account.Status.FROZEN)
    if consent is not None:
        frozen &= Q(pk__in=Account.objects.filter(consents=UUID(consent)).values("pk"))
    theirs = Account.objects.of_user(user.pk).filter(Q(status=Account.Status.OPEN) | frozen)
    return theirs.order_by("opened_at", "id")


def still_shared(consent_id: UUID, user: Any) -> list[UUID]:
    """The accounts of a consent that the user still has, also those that are frozen now. Closing an account removes it
    from every consent.
    """
    arguments = {_A_USER: user.pk, _A_CONSENT: consent_id}
    return [pk for (pk,) in _of_consent().rows(arguments, MOST_ACCOUNTS)]


#: More accounts than any user has.
MOST_ACCOUNTS = 100_000
#: Placeholders for the values of a request while the SQL is compiled.
_A_USER, _A_CONSENT = UUID(int=1), UUID(int=2)


@cache
def _of_consent() -> CompiledQuery:
    def build() -> QuerySet[Any, Any]:
        covered = Account.objects.filter(consents=_A_CONSENT).values("pk")
        theirs = Account.objects.of_user(_A_USER).exclude(status=Account.Status.CLOSED)
        return theirs.filter(pk__in=covered).order_by("opened_at", "id").values_list("pk")

    return CompiledQuery(build, (_A_USER, _A_CONSENT))


def picked_accounts(among: QuerySet[Account], chosen: Sequence[str], *, or_else: str) -> list[Account]:
    """The chosen accounts. Raises NotAnswered, with the text `or_else` if none is chosen."""
    accounts = list(among.filter(pk__in=uuids(chosen)))
    if not chosen:
        raise NotAnswered(or_else)
    if len(accounts) != len(set(chosen)):
        # The page was open while an account was closed, or while its holder ended the user's access.
        raise NotAnswered(_("One of these accounts is no longer available. Check which accounts are selected now."))
    return accounts


def accounts_in_detail(accounts: Sequence[Account]) -> dict[str, Any]:
    """The members of a granted detail that identify the accounts."""
    return ids_in_detail([account.pk for account in accounts])


def ids_in_detail(account_ids: Sequence[UUID]) -> dict[str, Any]:
    """The same, for primary keys of accounts."""
    ids = sorted(map(str, account_ids))
    return {"accounts": ids} if len(ids) <= MOST_ACCOUNTS_IN_A_TOKEN else {"accounts_by": "consent"}


def choice_of(account: Account, *, is_ticked: bool) -> Choice:
    hint = number_of(account)
    if account.status != Account.Status.OPEN:
        hint = f"{hint} · {account.get_status_display()}"
    return Choice(str(account.pk), account.name, hint, is_ticked, amount=balance_of(account))


def balance_of(account: Account) -> str:
    """The amount that can be spent from the account now."""
    return amounts.with_symbol(account.currency, account.available_minor)


def number_of(account: Account) -> str:
    return f"{iban.ending(account.iban)} · {account.currency}"


def way_to_an_account() -> tuple[str, str]:
    """A link for the consent page of a user who has no account. From there, the user returns to the consent page."""
    return _("Open an account"), reverse("bank:open")


def uuids(chosen: Sequence[str]) -> list[UUID]:
    """The values as UUIDs; empty if one of them is not a UUID."""
    try:
        return [UUID(value) for value in chosen]
    except ValueError:
        return []


def store_consent(detail: dict[str, Any], user: Any, client_id: str, accounts: list[Account]) -> dict[str, Any]:
    """Stores the consent and returns the detail as it is granted, with the consent's `identifier`."""
    granted, inserts = consent_to(detail, user, client_id, [account.pk for account in accounts])
    authorization_details.write([Again(granted, inserts)])
    return granted


def consent_to(
    detail: dict[str, Any], user: Any, client_id: str, account_ids: Sequence[UUID]
) -> tuple[dict[str, Any], list[Insert]]:
    """Like `store_consent`, but stores nothing: returns the detail as it is granted, and the rows to write."""
    identifier = uuid7()
    granted = {**detail, "identifier": str(identifier)}
    consent = [identifier, user.pk, client_id, detail["type"], json.dumps(granted), timezone.now()]
    return granted, [Insert(_CONSENT, consent), Insert(_ACCOUNTS, [identifier, [*account_ids]])]


_CONSENT = f"""
INSERT INTO {Consent._meta.db_table} (id, user_id, client_id, type, detail, granted_at)
SELECT %s::uuid, %s::uuid, %s::text, %s::text, %s::jsonb, %s::timestamptz FROM given"""  # noqa: S608 (names of tables)
_ACCOUNTS = f"""
INSERT INTO {Consent.accounts.through._meta.db_table} (consent_id, account_id)
SELECT %s::uuid, account FROM given, unnest(%s::uuid[]) AS account"""  # noqa: S608 (names of tables)
