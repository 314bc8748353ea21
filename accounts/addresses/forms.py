"""Forms that take an email. They do the same work whether or not the email has an account, so neither the response nor
its duration reveals it (ASVS 5.0 6.3.8).
"""

import secrets
from typing import Any

from allauth.account.forms import BaseSignupForm, RequestLoginCodeForm, ResetPasswordForm, SignupForm
from allauth.core import context
from allauth.socialaccount.forms import SignupForm as UpstreamSignupForm
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.addresses import mail_limit
from accounts.addresses.ownership import delete_claims, owner_of


class _SignsUp(BaseSignupForm):
    def validate_unique_email(self, value: str) -> str:
        delete_claims(value)
        email: str = super().validate_unique_email(value)
        return email

    def try_save(self, request: HttpRequest) -> Any:
        """Takes as long for an email that has an account as for a new one."""
        try:
            with transaction.atomic():
                if self.account_already_exists:
                    self._rehearse(request)
                return super().try_save(request)
        except IntegrityError:
            # Another request, such as that of a first click, has signed up with the email since the form was checked.
            if owner_of(self.cleaned_data["email"]) is None:
                raise
            self.account_already_exists = True
            return super().try_save(request)

    def _rehearse(self, request: HttpRequest) -> None:
        """Creates a user with an unused email, which includes hashing the password, and rolls back."""
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
        """Does nothing: this form has no password to hash, and allauth's `save` would connect the identity provider."""


class ForgottenPasswordForm(ResetPasswordForm):
    def clean_email(self) -> str:
        email: str = super().clean_email()
        owner = owner_of(email)
        self.users = [owner] if owner and owner.is_active else []
        return email


class CodeByMailForm(RequestLoginCodeForm):
    def clean_email(self) -> str:
        email: str = super().clean_email()
        owner = owner_of(email)
        # Create no code that is not sent: somebody could guess it.
        is_mailed = not mail_limit.will_be_reached(context.request, email)
        self._user = owner if owner and owner.is_active and is_mailed else None
        return email
