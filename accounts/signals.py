"""What a changed password or a deactivated person means for those who are logged in (ASVS 5.0 7.4.2, 7.4.3)."""

from typing import Any

from allauth.account.signals import password_changed, password_reset
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import User
from oauth.authorization import sessions
from oauth.models import Session


@receiver([password_changed, password_reset])
def end_sessions_after_password_change(user: User, **_: Any) -> None:
    """Django ends the other browser sessions by itself (the session holds a hash of the password)."""
    sessions.end_all(user, Session.EndReason.PASSWORD)


@receiver(post_save, sender=User)
def end_sessions_of_deactivated(instance: User, **_: Any) -> None:
    """allauth's backend gives an inactive user to no request; here the access of apps ends as well."""
    if not instance.is_active:
        sessions.end_all(instance, Session.EndReason.DEACTIVATED)
