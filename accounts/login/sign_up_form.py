"""The field that this site adds to allauth's sign-up form."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import names


class SignupForm(forms.Form):
    """allauth uses it as the base of its form (ACCOUNT_SIGNUP_FORM_CLASS)."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    def clean_name(self) -> str:
        return names.checked(self.cleaned_data["name"])

    def signup(self, request: object, user: object) -> None:
        """Required by allauth. Does nothing, because AccountAdapter.save_user stores the name."""
