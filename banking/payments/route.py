"""From which account to which: what somebody may use of what they named. The API and the web bank ask here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from banking.models import Account, Role
from banking.models.account import AccountQuerySet
from banking.notation import iban
from banking.payments import payee_lookups


@dataclass(frozen=True, slots=True)
class Route:
    """`source` is None where they may not pay from there. `payee_iban` is empty between their own accounts, and where
    nobody can be paid."""

    source: Account | None
    destination: Account | None
    payee_iban: str


def find_route(
    visible: AccountQuerySet, source_id: UUID, destination: Mapping[str, Any], *, charged_to: UUID | None
) -> Route:
    """`visible` are somebody's accounts; the destination is `{"account_id"}`, one of them, or `{"identifier"}`, an
    IBAN. At most two queries.

    `charged_to` is the user whose budget pays for looking at somebody else's account; None where they have been told
    of it before. Raises TooManyRequests.
    """
    identifier = iban.compact(destination.get("identifier", ""))
    asked = Q(pk__in=[source_id, destination.get("account_id")])
    found = visible.annotate(role=F("access__role"), is_active=F("access__user__is_active"))
    own = {account.pk: account for account in found.filter(asked | Q(iban=identifier) if identifier else asked)}
    # What somebody only looks after is not theirs: they cannot pay from it, and paying into it is paying somebody.
    own = {
        pk: account
        for pk, account in own.items()
        if account.role != Role.READER  # type: ignore[attr-defined]  # annotated above
    }
    source = own.get(source_id)
    if "account_id" in destination:
        return Route(source, own.get(destination["account_id"]), "")
    for account in own.values():
        if account.iban == identifier:
            return Route(source, account, "")
    if not iban.is_valid(identifier):
        return Route(source, None, "")
    if charged_to is not None and iban.is_ours(identifier):
        payee_lookups.spend(charged_to, paid_iban=identifier)
    here = Account.objects.filter(iban=identifier, kind=Account.Kind.CUSTOMER).exclude(status=Account.Status.CLOSED)
    payee = here.first()
    return Route(source, payee, identifier if payee or not iban.is_ours(identifier) else "")
