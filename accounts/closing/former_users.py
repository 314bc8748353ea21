"""The identities of former users, kept for as long as the law requires."""

from django.conf import settings
from django.utils import timezone

from accounts.models import FormerUser


def erase_former_users() -> int:
    """Directive (EU) 2015/849 art. 40: personal data are deleted when the period is over. Returns how many."""
    erased, _each = FormerUser.objects.filter(closed_at__lt=timezone.now() - settings.FORMER_USERS_KEPT).delete()
    return erased
