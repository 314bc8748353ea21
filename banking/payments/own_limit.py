"""The user's own limit for payments to others in 24 hours, for all apps, pages and payment orders together."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from banking import notices
from banking.models import PaymentLimit
from banking.notation import amounts
from banking.payments.payer_lock import lock_payer
from banking.payments.refusals import OwnLimitExceeded, StrongProofNeeded


def exceeded(currency: str, most_minor: int, paid_minor: int) -> OwnLimitExceeded:
    """The refusal; `paid_minor` is the amount of the limit that is already used."""
    detail = _("You set a limit of %(most)s in 24 hours for payments to others. %(paid)s of it is used.")
    return OwnLimitExceeded(
        detail % {"most": amounts.with_code(currency, most_minor), "paid": amounts.with_code(currency, paid_minor)}
    )


@transaction.atomic
def set_own_limit(user_id: UUID, currency: str, amount_minor: int | None, *, is_proven: bool) -> None:
    """A lower limit applies at once. A higher limit, or none, raises StrongProofNeeded if the user has not just logged
    in. The user is notified of a higher limit, because an attacker would raise it first.
    """
    lock_payer(user_id)
    before = PaymentLimit.objects.filter(user_id=user_id, currency=currency).first()
    most = before.amount_minor if before else None
    if amount_minor == most:
        return
    is_raised = most is not None and (amount_minor is None or amount_minor > most)
    if is_raised and not is_proven:
        raise StrongProofNeeded
    limit, _is_new = PaymentLimit.objects.update_or_create(
        user_id=user_id,
        currency=currency,
        defaults={"amount_minor": amount_minor, "changed_at": timezone.now()},
    )
    if is_raised:
        notices.enqueue_notice(notices.Kind.LIMIT_RAISED, limit.pk)
