"""The form that adds a passkey, which must verify its user and work without an email at login."""

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


class AddPasskeyForm(AddWebAuthnForm):
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        help_text=_("A name that helps you recognize it, such as “my phone”."),
    )
    # Makes allauth require user verification, so that the passkey counts as two factors.
    passwordless = forms.BooleanField(initial=True, widget=forms.HiddenInput)
