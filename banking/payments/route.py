"""From which account to which: what a user may use of the accounts that they named."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from banking.models import Account, Role
from banking.models.account_queryset import AccountQuerySet
from banking.notation import iban
from banking.payments import payee_lookups
from banking.payments.destination import Destination


@dataclass(frozen=True, slots=True)
class Route:
    """`source` is None if the user may not pay from it. `payee_iban` is empty between the user's own accounts, and if
    nobody can be paid there."""

    source: Account | None
    destination: Account | None
    payee_iban: str


def find_route(
    visible: AccountQuerySet, source_id: UUID, destination: Destination, *, charged_to: UUID | None
) -> Route:
    """`visible` are the user's accounts that the client may see. At most two queries.

    `charged_to` is the user whose budget pays for a look at somebody else's account, or None if they have already seen
    an answer about it. Raises LimitReached.
    """
    identifier = destination.iban
    named = Q(pk__in=[source_id, destination.account_id])
    found = visible.with_role().filter(named | Q(iban=identifier) if identifier else named)
    # An account that the user may only read is not theirs: they cannot pay from it, and paying into it is a payment to
    # somebody else.
    own = {account.pk: account for account in found if account.role != Role.READER}
    source = own.get(source_id)
    if destination.account_id is not None:
        return Route(source, own.get(destination.account_id), "")
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
