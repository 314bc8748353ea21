"""The field that sign-up has besides allauth's."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import names


class SignupForm(forms.Form):
    """Mixed into allauth's form by ACCOUNT_SIGNUP_FORM_CLASS."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    def clean_name(self) -> str:
        return names.checked(self.cleaned_data["name"])

    def signup(self, request: object, user: object) -> None:
        """Does nothing: the adapter has stored the name."""
