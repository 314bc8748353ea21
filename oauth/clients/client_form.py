"""The form of a new client, in the admin and the developer portal. It asks for the kind of client, then shows only the
fields of this kind, and sets safe values for all others.
"""

from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from oauth.clients.presets import EXPLANATIONS, kind_needs_redirect_uri, preset
from oauth.infrastructure.generic import ModelForm
from oauth.models import Client, Scope
from oauth.models.client import Kind

# Scopes that only a user can allow, so a service cannot have them.
_USER_SCOPES = ("openid", "profile", "email", "offline_access")


class ClientForm(ModelForm[Client]):
    """Shows scopes with their sentences, and redirect URIs one per line."""

    allowed_scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple(attrs={"class": "explained"}),
        required=False,
        help_text=_("All scopes that this client may request. The consent page shows a sentence for each of them."),
    )
    redirect_uris = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80}),
        required=False,
        label=_("Redirect URIs"),
        help_text=_(
            "One per line: where the browser returns to after login. Compared character by character. "
            "https; http://127.0.0.1/… (any port) for desktop apps; com.example.app:/… for mobile apps."
        ),
    )

    class Meta:
        model = Client
        fields: tuple[str, ...] = ("name", "allowed_scopes", "redirect_uris")
        help_texts = {
            "post_logout_redirect_uris": _(
                "One per line: where the browser may return to after logout. Compared character by character."
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(scope.name, f"{scope.name}: {scope.sentence}") for scope in Scope.objects.all()]
        field = self.fields["allowed_scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices
        if self.instance.pk:
            for name in ("redirect_uris", "post_logout_redirect_uris"):
                self.initial[name] = "\n".join(getattr(self.instance, name).split())

    def _update_errors(self, errors: ValidationError) -> None:
        """Shows errors of fields that are not in the form as errors of the whole form."""
        if hasattr(errors, "error_dict"):
            hidden = [name for name in errors.error_dict if name not in self.fields]
            for name in hidden:
                errors.error_dict.setdefault(NON_FIELD_ERRORS, []).extend(errors.error_dict.pop(name))
        super()._update_errors(errors)  # type: ignore[misc]  # not in the stubs

    def clean_redirect_uris(self) -> str:
        return "\n".join(self.cleaned_data["redirect_uris"].split())


class AddClientForm(ClientForm):
    """`FIELDS` are the fields of each kind. `preset` sets all others."""

    FIELDS = {
        Kind.MOBILE: ("name", "redirect_uris", "allowed_scopes", "dpop_bound_access_tokens"),
        Kind.WEB: ("name", "redirect_uris", "allowed_scopes", "post_logout_redirect_uris", "backchannel_logout_uri"),
        Kind.BROWSER: ("name", "redirect_uris", "allowed_scopes", "dpop_bound_access_tokens"),
        Kind.SERVICE: ("name", "allowed_scopes"),
        Kind.DEVICE: ("name", "allowed_scopes"),
    }

    kind = forms.ChoiceField(
        label=_("Kind of client"),
        widget=forms.RadioSelect(attrs={"class": "explained"}),
        choices=[(kind.value, f"{kind.label}: {EXPLANATIONS[kind]}") for kind in Kind],
    )

    class Meta(ClientForm.Meta):
        fields: tuple[str, ...] = (
            "kind", "name", "redirect_uris", "allowed_scopes", "dpop_bound_access_tokens",
            "post_logout_redirect_uris", "backchannel_logout_uri",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.data.get("kind") or self.initial.get("kind", "")
        if kind not in Kind.values:
            return
        self.fields["kind"].widget = forms.HiddenInput()
        for name in set(self.fields) - {"kind", *self.FIELDS[Kind(kind)]}:
            del self.fields[name]
        if kind == Kind.SERVICE:
            scopes = self.fields["allowed_scopes"]
            assert isinstance(scopes, forms.MultipleChoiceField)
            offered: Any = scopes.choices
            scopes.choices = [one for one in offered if one[0] not in _USER_SCOPES]
            scopes.help_text = _("All scopes that the service may use. No user has to allow them.")

    @classmethod
    def fields_of(cls, kind: str) -> tuple[str, ...]:
        return ("kind", *cls.FIELDS[Kind(kind)]) if kind in Kind.values else ("kind",)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if kind := self.cleaned_data.get("kind"):
            for name, value in preset(kind).items():
                setattr(self.instance, name, value)
            if not kind_needs_redirect_uri(kind) and self.data.get("redirect_uris"):
                self.add_error(
                    None, gettext("This kind of client has no browser to return to. Leave this field empty.")
                )
        return cleaned
