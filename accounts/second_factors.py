"""What a user has set up besides a password (ASVS 5.0 6.3.3), and what its removal means.

Every removal is audited and mailed to its owner (ASVS 5.0 6.3.7): by the user's pages, the admin, a command or the
shell. allauth's model offers no other place for that than the signal of its deletion.
"""

from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver

from accounts import actor, notices

#: What is removed -> the kind of notice.
_REMOVED: Final = {
    Authenticator.Type.TOTP: "totp_deactivated",
    Authenticator.Type.WEBAUTHN: "webauthn_removed",
    Authenticator.Type.RECOVERY_CODES: "recovery_codes_removed",
}

# Recovery codes come with each of these and are no reason of their own to ask.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def of(user: Any) -> frozenset[str]:
    return frozenset(Authenticator.objects.filter(user_id=user.pk, type__in=_FACTORS).values_list("type", flat=True))


def remove(factor: Authenticator) -> None:
    """For the admin, commands and the shell. `factor.delete()` and a queryset's `delete()` do the same."""
    factor.delete()


@receiver(post_delete, sender=Authenticator)
def _tell_of_removal(instance: Authenticator, origin: Any, **_: Any) -> None:
    """With a user who is deleted, the factors go without a word."""
    asked = origin.model if isinstance(origin, QuerySet) else type(origin)
    if asked is Authenticator:
        user = instance.user
        notices.tell_later(_REMOVED[Authenticator.Type(instance.type)], user, actor.request(), by=actor.staff(user))
