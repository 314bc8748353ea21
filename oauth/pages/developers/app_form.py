"""The forms for a developer's app: those of the admin with fewer fields and stricter rules for texts that users see."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from oauth.clients.client_form import AddClientForm, ClientForm
from oauth.infrastructure import display_names
from oauth.models.client import Kind
from oauth.models.client_review import REVIEWED

_LINKS = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
_EXPLAINED = {
    "name": _("Users see it when they decide. It must be the name of your product."),
    "client_uri": _("Its host is shown as the publisher of the app."),
    "logo_uri": _("PNG, JPEG or WebP, square. We fetch it and store a copy."),
}


class AppForm(ClientForm):
    """Names must not imitate others, and links must be https."""

    note = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=_("Note for the reviewer"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, text in _EXPLAINED.items():
            if name in self.fields:
                self.fields[name].help_text = text
        if "allowed_scopes" in self.fields:
            self.fields["allowed_scopes"].label = _("Permissions")
            self.fields["allowed_scopes"].help_text = _("Everything that your app may ask users for. Ask for little.")

    def clean_name(self) -> str:
        """UTS #39: letters of the name must not imitate other letters, because staff compare names."""
        name: str = self.cleaned_data["name"]
        if not display_names.is_printable(name) or display_names.looks_like_another(name):
            raise forms.ValidationError(gettext("The name has letters that look like other letters."))
        if display_names.holds_link(name):
            raise forms.ValidationError(gettext("The name must not contain a link, a host name or an email address."))
        return name

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name in _LINKS:
            if (url := self.cleaned_data.get(name)) and urlsplit(url).scheme != "https":
                self.add_error(name, gettext("Use an https address."))
        return cleaned


class NewAppForm(AppForm, AddClientForm):
    """The kind sets all other values, as in the admin."""

    FIELDS = {
        kind: (*(name for name in fields if name != "backchannel_logout_uri"), *_LINKS)
        for kind, fields in AddClientForm.FIELDS.items()
    }

    class Meta(AddClientForm.Meta):
        fields = ("kind", "name", "redirect_uris", "allowed_scopes", "dpop_bound_access_tokens",
                  "post_logout_redirect_uris", *_LINKS)  # fmt: skip


class ChangeAppForm(AppForm):
    """The reviewed fields. Saves nothing, because new values of a live app take effect only after a review."""

    class Meta(ClientForm.Meta):
        fields: tuple[str, ...] = REVIEWED

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.instance.kind
        has_browser = kind in (Kind.MOBILE, Kind.WEB, Kind.BROWSER)
        hidden = set() if has_browser else {"redirect_uris", "post_logout_redirect_uris"}
        hidden |= set() if kind == Kind.WEB else {"backchannel_logout_uri", "post_logout_redirect_uris"}
        for name in hidden:
            del self.fields[name]

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in REVIEWED if name in self.fields}
