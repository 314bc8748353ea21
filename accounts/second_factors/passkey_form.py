"""The form that adds a passkey: always one that verifies its user and needs no email at login."""

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
    # allauth then requires that the device has verified its user, which makes the passkey two factors in one.
    passwordless = forms.BooleanField(initial=True, widget=forms.HiddenInput)
