"""A user's second factors (ASVS 5.0 6.3.3) and their removal.

Every removal is audited and sends the user a notice (ASVS 5.0 6.3.7). Staff, commands and the shell call `remove`;
allauth's pages send `authenticator_removed`. Any other deletion raises, because it would notify nobody.
"""

from contextvars import ContextVar
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_removed
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts import notices
from accounts.changes import actor

#: The type of the removed factor and the kind of its notice.
_REMOVED: Final = {
    Authenticator.Type.TOTP: "totp_deactivated",
    Authenticator.Type.WEBAUTHN: "webauthn_removed",
    Authenticator.Type.RECOVERY_CODES: "recovery_codes_removed",
}

# Recovery codes are not listed, because they only replace one of these.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

_is_removing: ContextVar[bool] = ContextVar("is_removing", default=False)


def types_of(user: Any) -> frozenset[str]:
    return frozenset(Authenticator.objects.filter(user_id=user.pk, type__in=_FACTORS).values_list("type", flat=True))


@transaction.atomic
def remove(factor: Authenticator) -> None:
    """Removes the factor and, if it is the last one, also the recovery codes. Notifies the user of each removal."""
    removed = [factor]
    others = Authenticator.objects.filter(user_id=factor.user_id).exclude(pk=factor.pk)
    if not others.filter(type__in=_FACTORS).exists():
        removed += others
    removing = _is_removing.set(True)
    try:
        for one in removed:
            if one.delete()[0]:  # false if a concurrent removal has deleted it
                _notify(one)
    finally:
        _is_removing.reset(removing)


def erase_all(user: Any) -> None:
    """For closing a user account. Sends no notices, because the user is notified of the closing."""
    removing = _is_removing.set(True)
    try:
        Authenticator.objects.filter(user_id=user.pk).delete()
    finally:
        _is_removing.reset(removing)


@receiver(authenticator_removed)
def _notify_of_removal_on_a_page(authenticator: Authenticator, **_: Any) -> None:
    _notify(authenticator)


def _notify(factor: Authenticator) -> None:
    user: Any = factor.user
    kind = _REMOVED[Authenticator.Type(factor.type)]
    notices.enqueue_notice(kind, user, actor.request(), by=actor.staff(user))


@receiver(pre_delete, sender=Authenticator)
def _refuse_deletion_without_notice(origin: Any, **_: Any) -> None:
    """Allows deletions within a request, because allauth's pages delete factors themselves, and cascades from a deleted
    user.
    """
    deleted = origin.model if isinstance(origin, QuerySet) else type(origin)
    if deleted is Authenticator and not _is_removing.get() and actor.request() is None:
        raise TypeError("Remove second factors with accounts.second_factors.remove(), which notifies the user.")
