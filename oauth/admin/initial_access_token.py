"""Initial access tokens: who may register clients, and within which limits. `manage.py registration_token` creates
them.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from oauth.conf import conf
from oauth.infrastructure.generic import ModelForm
from oauth.models import InitialAccessToken, Scope
from oauth.models.client import SecurityProfile, authentication, grant_types
from oauth.staff import Guarded

CEILING = (
    "scopes", "grant_types", "authentication_methods", "security_profiles", "authorization_details_types",
    "allowed_resources",
)  # fmt: skip


class CeilingForm(ModelForm[InitialAccessToken]):
    """The values that registered clients may have: a checkbox for each."""

    class Meta:
        model = InitialAccessToken
        fields = ("note", *CEILING)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, Iterable[tuple[str, str]]] = {
            "scopes": [(one.name, f"{one.name}: {one.sentence}") for one in Scope.objects.all()],
            "grant_types": [one for one in grant_types.choices() if one[0] in grant_types.registrable()],
            "authentication_methods": [one for one in authentication.choices() if one[0] in authentication.offered()],
            "security_profiles": SecurityProfile.choices,
            "authorization_details_types": [(one, one) for one in conf.AUTHORIZATION_DETAILS_TYPES],
            "allowed_resources": [(one, one) for one in conf.RESOURCES],
        }
        # Staff with only the view permission see the values as text instead of form fields.
        for name, values in choices.items():
            if name not in self.fields:
                continue
            self.fields[name] = forms.MultipleChoiceField(
                choices=list(values),
                required=False,
                widget=forms.CheckboxSelectMultiple(attrs={"class": "explained"}),
                help_text=self.fields[name].help_text,
            )


@admin.register(InitialAccessToken)
class InitialAccessTokenAdmin(Guarded):
    list_display = ("note", "created_at", "expires_at")
    readonly_fields = ("created_at", "expires_at")
    fields = ("note", "created_at", "expires_at", *CEILING)
    form = CeilingForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
