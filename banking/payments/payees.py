"""Storing payees."""

from uuid import UUID

from django.db import transaction

from banking import notices
from banking.models import Payee
from banking.payments.refusals import StrongProofNeeded


@transaction.atomic
def store_payee(user_id: UUID, *, iban: str, name: str, is_proven: bool) -> tuple[Payee, bool]:
    """Returns the payee, and whether it is new. A payee that is stored already keeps its name. Raises StrongProofNeeded
    for a new one if the user has not just logged in (SCA-RTS art. 13). The user is notified of a new payee."""
    theirs = Payee.objects.current().filter(user_id=user_id, iban=iban)
    if (known := theirs.first()) is not None:
        return known, False
    if not is_proven:
        raise StrongProofNeeded
    payee, is_new = Payee.objects.current().get_or_create(
        user_id=user_id, iban=iban, removed_at=None, defaults={"name": name}
    )
    if is_new:
        notices.enqueue_notice(notices.Kind.NEW_PAYEE, payee.pk)
    return payee, is_new
