"""The forms that take somebody's email address, with one answer to who has it, and the same work for either answer."""

import secrets
from typing import Any

from allauth.account.forms import BaseSignupForm, RequestLoginCodeForm, ResetPasswordForm, SignupForm
from allauth.core import context
from allauth.socialaccount.forms import SignupForm as UpstreamSignupForm
from django.db import transaction
from django.http import HttpRequest

from accounts import addresses, mail_limit


class _SignsUp(BaseSignupForm):
    def validate_unique_email(self, value: str) -> str:
        addresses.forget_claims(value)
        email: str = super().validate_unique_email(value)
        return email

    def try_save(self, request: HttpRequest) -> Any:
        """An address that has an account costs what a new one costs, so time does not tell (ASVS 5.0 6.3.8)."""
        with transaction.atomic():
            if self.account_already_exists:
                self._rehearse(request)
                return super().try_save(request)
            return super().try_save(request)

    def _rehearse(self, request: HttpRequest) -> None:
        """Makes a user of an address that nobody has, hash of the password included, and takes it back."""
        given = self.cleaned_data["email"]
        self.cleaned_data["email"] = f"{secrets.token_hex(16)}@invalid"
        self.account_already_exists = False
        try:
            with transaction.atomic():
                self.save(request)
                transaction.set_rollback(True)
        finally:
            self.cleaned_data["email"] = given
            self.account_already_exists = True


class NewUserForm(_SignsUp, SignupForm):
    pass


class NewUpstreamUserForm(_SignsUp, UpstreamSignupForm):
    def _rehearse(self, request: HttpRequest) -> None:
        """No password is hashed here, and allauth's own save would keep the connection."""


class ForgottenPasswordForm(ResetPasswordForm):
    def clean_email(self) -> str:
        email: str = super().clean_email()
        owner = addresses.owner(email)
        self.users = [owner] if owner and owner.is_active else []
        return email


class CodeByMailForm(RequestLoginCodeForm):
    def clean_email(self) -> str:
        email: str = super().clean_email()
        owner = addresses.owner(email)
        # A code that is not mailed must not be there to be guessed at.
        is_mailed = not mail_limit.will_be_reached(context.request, email)
        self._user = owner if owner and owner.is_active and is_mailed else None
        return email
