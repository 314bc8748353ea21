"""Identity providers in the admin, stored as allauth's social applications."""

from typing import Any

import allauth.socialaccount.admin  # noqa: F401  (registers the ModelAdmins that are replaced below)
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.upstream import connections
from accounts.upstream.provider import UpstreamProvider
from oauth.infrastructure import outbound
from oauth.infrastructure.generic import ModelAdmin, ModelForm

for model in (SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)


class ProviderForm(ModelForm[SocialApp]):
    provider_id = forms.SlugField(
        label="Short name",
        max_length=40,
        help_text="Part of the redirect URI. User accounts refer to it, so it cannot be changed.",
    )
    server_url = forms.CharField(
        label="Issuer", help_text="The issuer in its discovery document, such as https://login.example.com"
    )
    secret = forms.CharField(
        label="Client secret", required=False, widget=forms.PasswordInput(render_value=False),
        help_text="Leave this empty to keep the stored secret.",
    )  # fmt: skip
    token_auth_method = forms.ChoiceField(
        label="Client authentication method",
        choices=[(method, method) for method in ("client_secret_basic", "client_secret_post")],
        help_text="The method for which the client is registered at the provider (OpenID Connect Core §9).",
    )
    trusted_domains = forms.CharField(
        required=False,
        help_text="Domains, separated by spaces, whose emails count as verified if the provider says so. "
        "List only domains whose mailboxes the provider runs.",
    )

    class Meta:
        model = SocialApp
        fields = ("name", "provider_id", "server_url", "client_id", "secret", "token_auth_method", "trusted_domains")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.instance.settings or {}
        self.initial["server_url"] = kept.get("server_url", "")
        self.initial["token_auth_method"] = kept.get("token_auth_method", "client_secret_basic")
        self.initial["trusted_domains"] = " ".join(kept.get("verified_email", []))

    def clean_provider_id(self) -> str:
        name: str = self.cleaned_data["provider_id"]
        if SocialApp.objects.filter(provider_id=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("Another provider has this short name.")
        return name

    def clean_server_url(self) -> str:
        url: str = self.cleaned_data["server_url"].rstrip("/")
        try:
            outbound.check_url(url)
        except outbound.OutboundError as error:
            raise ValidationError(f"Requests to this address are not allowed: {error}") from None
        return url

    def clean_secret(self) -> str:
        return str(self.cleaned_data["secret"] or self.instance.secret)

    def save(self, commit: bool = True) -> SocialApp:
        app: SocialApp = self.instance
        app.provider = UpstreamProvider.id
        app.settings = {
            **(app.settings or {}),
            "server_url": self.cleaned_data["server_url"],
            "token_auth_method": self.cleaned_data["token_auth_method"],
            "verified_email": self.cleaned_data["trusted_domains"].lower().split(),
        }
        saved: SocialApp = super().save(commit)
        return saved


@admin.register(SocialApp)
class ProviderAdmin(ModelAdmin[SocialApp]):
    form = ProviderForm
    list_display = ("name", "provider_id", "issuer", "redirect_uri")
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: SocialApp | None = None) -> Any:
        """Staff with only the view permission see the stored fields without the secret."""
        fields = super().get_fields(request, obj)
        may_edit = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return fields if may_edit else [name for name in fields if name in ("name", "provider_id", "client_id")]

    @admin.display(description="Issuer")
    def issuer(self, app: SocialApp) -> str:
        return str((app.settings or {}).get("server_url", ""))

    @admin.display(description="Redirect URI to register at the provider")
    def redirect_uri(self, app: SocialApp) -> str:
        return settings.ORIGIN + reverse("openid_connect_callback", kwargs={"provider_id": app.provider_id})


@admin.register(SocialAccount)
class UpstreamAccountAdmin(ModelAdmin[SocialAccount]):
    """Connections of users to providers. Support can remove one; nobody can add one for another user."""

    list_display = fields = readonly_fields = ("user", "provider", "uid", "date_joined", "last_login")
    search_fields = ("user__email__exact", "uid__exact")
    list_select_related = ("user",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SocialAccount | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: SocialAccount) -> None:
        connections.disconnect(obj, request)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SocialAccount]) -> None:
        for connection in list(queryset):
            connections.disconnect(connection, request)
