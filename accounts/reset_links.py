"""Links that replace a password: dead after a deactivation, besides what allauth and Django already check."""

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from django.contrib.auth.base_user import AbstractBaseUser

from accounts.models import User


class ResetLinks(EmailAwarePasswordResetTokenGenerator):
    """allauth's, which die with a new password, a log-in and another address of the user (ASVS 5.0 6.4.3)."""

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: int) -> str:
        assert isinstance(user, User)
        return f"{super()._make_hash_value(user, timestamp)}{user.session_generation}"
