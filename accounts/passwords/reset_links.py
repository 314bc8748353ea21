"""Links that replace a password. They stop working after a deactivation as well."""

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.contrib.auth.base_user import AbstractBaseUser

from accounts.models import User


class ResetLinks(EmailAwarePasswordResetTokenGenerator):
    """allauth's links already stop working after a new password, a login and another email (ASVS 5.0 6.4.3)."""

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: int) -> str:
        assert isinstance(user, User)
        return f"{super()._make_hash_value(user, timestamp)}{user.session_generation}"
