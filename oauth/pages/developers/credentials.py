"""The secret and the keys of a developer's app. Changes require a recent login, and a secret is shown once."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauth.clients.rotation import SECRET_OVERLAP, retire_previous_secret, store_new_secret
from oauth.clients.self_service.ownership import own_app
from oauth.models import AuditEvent, Client
from oauth.models.client import AuthenticationMethod
from oauth.pages.developers.developer_page import DeveloperPage, proof_needed, to_app


class Secret(DeveloperPage):
    """POST creates a new secret or ends the old one, which otherwise works for SECRET_OVERLAP."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        if needed := proof_needed(request, reverse("oauth:developer-app", args=[client_pk])):
            own_app(request.user, client_pk)
            return needed
        with transaction.atomic():
            client = own_app(request.user, client_pk, lock=True)
            if not client.is_active or not client.has_secret:
                messages.error(request, _("This app has no secret to change."))
                return to_app(client)
            if request.POST.get("act") == "retire":
                if retire_previous_secret(client, request.user):
                    messages.success(request, _("The old secret no longer works."))
                return to_app(client)
            secret = store_new_secret(client, request.user, overlap_until=timezone.now() + SECRET_OVERLAP)
        return self.show("secret", client=client, secret=secret)


class KeysForm(forms.Form):
    jwks = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "dir": "ltr"}),
        label=gettext_lazy("Public keys (JWK Set)"),
        help_text=gettext_lazy("Never a private key: yours stays on your server."),
    )
    jwks_uri = forms.URLField(
        required=False, max_length=255, assume_scheme="https", label=gettext_lazy("Or the address of your JWK Set"),
        help_text=gettext_lazy("We fetch it again when you use a new key, so you can change keys yourself."),
    )  # fmt: skip

    def clean_jwks(self) -> Any:
        text: str = self.cleaned_data["jwks"]
        try:
            return json.loads(text) if text.strip() else None
        except (ValueError, RecursionError):
            raise forms.ValidationError(_("A JWK Set must be JSON.")) from None


class Keys(DeveloperPage):
    """Replaces the secret with the app's own keys (private_key_jwt), so that it shares no secret with this server."""

    def get(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        client = own_app(request.user, client_pk)
        text = json.dumps(client.client_jwks, indent=2) if client.client_jwks else ""
        form = KeysForm(initial={"jwks": text, "jwks_uri": client.client_jwks_uri}, label_suffix="")
        return self.show("keys", client=client, form=form)

    def post(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        if needed := proof_needed(request, reverse("oauth:developer-keys", args=[client_pk])):
            own_app(request.user, client_pk)
            return needed
        form = KeysForm(request.POST, label_suffix="")
        with transaction.atomic():
            client = own_app(request.user, client_pk, lock=True)
            if not client.is_active or client.is_public:
                messages.error(request, _("This app has no keys to change."))
                return to_app(client)
            if form.is_valid():
                _use_keys(client, form)
            if not form.is_valid():
                return self.show("keys", status=400, client=own_app(request.user, client_pk), form=form)
            client.changed_by = request.user
            client.save()
            actor = getattr(request.user, "pk", "")
            AuditEvent.record(
                AuditEvent.Action.CLIENT_CHANGED, client=client.client_id, actor=actor, reason="keys, by its developer"
            )
        messages.success(request, _("Saved. The app authenticates with its key from now on."))
        return to_app(client)


def _use_keys(client: Client, form: KeysForm) -> None:
    """Sets the keys. Adds an error to the form if the rules for clients refuse them, for example a private key."""
    client.client_jwks, client.client_jwks_uri = form.cleaned_data["jwks"], form.cleaned_data["jwks_uri"]
    client.token_endpoint_auth_method = AuthenticationMethod.PRIVATE_KEY_JWT
    client.remove_secrets()
    try:
        client.full_clean(exclude=["user"])
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            form.add_error({"client_jwks": "jwks", "client_jwks_uri": "jwks_uri"}.get(name), texts)
