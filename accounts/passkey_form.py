"""Adding a passkey: always one that checks the person and can be found without a name."""

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


class AddPasskeyForm(AddWebAuthnForm):
    name = forms.CharField(
        label=_("Name"), required=False, max_length=100, help_text=_("To tell it from others, such as “my phone”.")
    )
    # allauth then insists that the device has verified the person, which is what makes it two factors in one.
    passwordless = forms.BooleanField(initial=True, widget=forms.HiddenInput)
