"""Clients: the admin says what the app is, the form sets values that are safe, the secret is shown once."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from oauth.admin.paginator import CappedPaginator
from oauth.models import AuditEvent, Client, Scope
from oauth.models.audit_event import origin
from oauth.models.client import (
    CERTIFICATE_NAME_KINDS,
    AuthenticationMethod,
    Kind,
    SecurityProfile,
    offered_authentication_methods,
    offered_grant_types,
)
from oauth.registration import EXPLANATIONS, kind_needs_redirect_uri, preset

# A new secret and the one before it both work for this long, so that a running client can be switched over.
SECRET_OVERLAP = timedelta(days=1)
# A form without them (an older script, a field taken out of the page) leaves them as they are.
_KEPT_WHEN_ABSENT = ("subject_type", "backchannel_token_delivery_mode", "security_profile")
_CERTIFICATE_NAMES = tuple(f"tls_client_auth_{kind}" for kind in CERTIFICATE_NAME_KINDS)
_FAPI = (SecurityProfile.FAPI2, SecurityProfile.FAPI2_MESSAGE_SIGNING)


class ClientForm(forms.ModelForm):
    """Scopes by their sentences, redirect URIs one a line."""

    allowed_scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple(attrs={"class": "explained"}),
        required=False,
        help_text="What this app may ask people for, at most.",
    )
    redirect_uris = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80}),
        required=False,
        label="Redirect URIs",
        help_text="One a line, compared character by character: where the browser returns to after log-in. "
        "https; http://127.0.0.1/… (any port) for desktop apps; com.example.app:/… for mobile apps.",
    )

    class Meta:
        model = Client
        fields: tuple[str, ...] = ("name", "allowed_scopes", "redirect_uris")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(scope.name, f"{scope.name}: {scope.sentence}") for scope in Scope.objects.all()]
        field = self.fields["allowed_scopes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices
        if self.instance.pk:
            self.initial["redirect_uris"] = "\n".join(self.instance.redirect_uris.split())

    def _update_errors(self, errors: ValidationError) -> None:
        """What the model finds wrong with a field that this form does not show is said above the form."""
        if hasattr(errors, "error_dict"):
            hidden = [name for name in errors.error_dict if name not in self.fields]
            for name in hidden:
                errors.error_dict.setdefault(NON_FIELD_ERRORS, []).extend(errors.error_dict.pop(name))
        super()._update_errors(errors)  # type: ignore[misc]

    def clean_redirect_uris(self) -> str:
        return "\n".join(self.cleaned_data["redirect_uris"].split())


class AddClientForm(ClientForm):
    """Registering asks four things; everything else follows from the first."""

    kind = forms.ChoiceField(
        label="What is it?",
        widget=forms.RadioSelect(attrs={"class": "explained"}),
        choices=[(kind.value, f"{kind.label}: {EXPLANATIONS[kind]}") for kind in Kind],
    )

    class Meta(ClientForm.Meta):
        fields = ("kind", "name", "allowed_scopes", "redirect_uris")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if kind := self.cleaned_data.get("kind"):
            for name, value in preset(kind).items():
                setattr(self.instance, name, value)
            if not kind_needs_redirect_uri(kind) and self.cleaned_data.get("redirect_uris"):
                self.add_error("redirect_uris", "This kind of app has no browser to return to; leave this empty.")
        return cleaned


class ChangeClientForm(ClientForm):
    grant_types = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple(attrs={"class": "explained"}),
        help_text="Only what the app really uses.",
    )
    proves_itself_by = forms.ChoiceField(
        required=False,
        label="Change how it proves itself",
        help_text="By a key or certificate of its own. Its secret ends at once.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["grant_types"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(one.value, one.label) for one in offered_grant_types()]
        for name in _KEPT_WHEN_ABSENT:
            self.fields[name].required = False
        offered = [one for one in offered_authentication_methods() if not one.needs_secret and one != "none"]
        method = self.fields["proves_itself_by"]
        assert isinstance(method, forms.ChoiceField)
        method.choices = [("", "As it does now"), *((one.value, one.label) for one in offered)]

    def clean(self) -> dict[str, Any] | None:
        """One switch: with a FAPI profile and keys the app authenticates by them, and its secret is gone."""
        cleaned = super().clean()
        given = self.cleaned_data
        for name in _KEPT_WHEN_ABSENT:
            given[name] = given.get(name) or getattr(self.instance, name)
        has_keys = bool(given.get("client_jwks") or given.get("client_jwks_uri"))
        method = given.get("proves_itself_by")
        is_secret = AuthenticationMethod(self.instance.token_endpoint_auth_method).needs_secret
        if (
            not method
            and given.get("security_profile") in _FAPI
            and has_keys
            and (is_secret or self.instance.is_public)
        ):
            method = AuthenticationMethod.PRIVATE_KEY_JWT
        if method:
            self.instance.token_endpoint_auth_method = AuthenticationMethod(method)
            self.instance.client_type = Client.CLIENT_CONFIDENTIAL
            self.instance.secret_digest = self.instance.previous_secret_digest = None
        return cleaned

    class Meta(ClientForm.Meta):
        fields = (
            "name", "is_active", "allowed_scopes", "authorization_details_types", "redirect_uris", "grant_types",
            "access_token_lifetime",
            "authorization_lifetime", "client_uri", "logo_uri", "policy_uri", "tos_uri", "client_jwks",
            "client_jwks_uri", "security_profile", "require_pushed_authorization_requests", "dpop_bound_access_tokens",
            "require_signed_request_object", "request_object_signing_alg", "authorization_signed_response_alg",
            "tls_client_certificate_bound_access_tokens", *_CERTIFICATE_NAMES,
            "exchange_policy", "exchange_from",
            "post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required",
            "subject_type", "sector_identifier_uri", "id_token_signed_response_alg", "userinfo_signed_response_alg",
            "introspection_signed_response_alg", "default_max_age", "backchannel_token_delivery_mode",
            "backchannel_client_notification_endpoint",
        )  # fmt: skip


class ClientAdmin(admin.ModelAdmin):
    """Registered by django-oauth-toolkit as OAUTH2_PROVIDER["APPLICATION_ADMIN_CLASS"]."""

    list_display = ("name", "client_id", "kind", "is_active", "created")
    list_filter = ("kind", "is_active")
    search_fields = ("name__istartswith", "client_id__exact")
    search_help_text = _("How its name begins, or its client ID.")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    sortable_by = ()  # the newest first: the primary key
    autocomplete_fields = ("exchange_from",)
    change_form_template = "admin/oauth/client/change_form.html"
    readonly_fields = ("client_id", "kind", "client_type", "token_endpoint_auth_method", "created", "updated")

    def get_form(self, request: HttpRequest, obj: Client | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = ChangeClientForm if obj else AddClientForm
        kwargs["fields"] = None
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Client | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Client | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": AddClientForm.Meta.fields})]
        return [
            (
                None,
                {
                    "fields": (
                        "client_id",
                        "name",
                        "is_active",
                        "kind",
                        "allowed_scopes",
                        "redirect_uris",
                        "authorization_details_types",
                    )
                },
            ),
            ("Protocol", {"fields": ("client_type", "token_endpoint_auth_method", "grant_types")}),
            (
                "Its own keys and certificate",
                {
                    "fields": ("proves_itself_by", "client_jwks", "client_jwks_uri", *_CERTIFICATE_NAMES),
                    "description": "Public keys, by value or by address. A certificate of an authority is known by "
                    "exactly one of the five names; one of its own making is in the keys, as x5c (RFC 8705 §2).",
                    "classes": ("collapse",),
                },
            ),
            (
                "Stricter than the default",
                {
                    "fields": (
                        "security_profile",
                        "require_pushed_authorization_requests",
                        "dpop_bound_access_tokens",
                        "require_signed_request_object",
                        "request_object_signing_alg",
                        "authorization_signed_response_alg",
                        "tls_client_certificate_bound_access_tokens",
                    ),
                    "description": "FAPI 2.0 is one switch: the app then proves itself with a key of its own (give "
                    "its public keys above), pushes its requests, and gets tokens bound to a key. Its secret ends.",
                },
            ),
            (
                "OpenID Connect",
                {
                    "fields": (
                        "post_logout_redirect_uris",
                        "backchannel_logout_uri",
                        "backchannel_logout_session_required",
                        "subject_type",
                        "sector_identifier_uri",
                        "id_token_signed_response_alg",
                        "userinfo_signed_response_alg",
                        "introspection_signed_response_alg",
                        "default_max_age",
                        "backchannel_token_delivery_mode",
                        "backchannel_client_notification_endpoint",
                    ),
                    "classes": ("collapse",),
                },
            ),
            ("Token exchange", {"fields": ("exchange_policy", "exchange_from"), "classes": ("collapse",)}),
            ("Lifetimes", {"fields": ("access_token_lifetime", "authorization_lifetime")}),
            ("Shown to people", {"fields": ("client_uri", "logo_uri", "policy_uri", "tos_uri")}),
            ("History", {"fields": ("created", "updated")}),
        ]

    class Media:
        css = {"all": ["oauth/admin.css"]}

    # --- the secret, shown in the answer to the POST that made it and nowhere else

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        if not change and obj.has_secret:
            request.new_client_secret = obj.issue_secret()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)
        action = AuditEvent.Action.CLIENT_CHANGED if change else AuditEvent.Action.CLIENT_REGISTERED
        changed = ", ".join(form.changed_data) if change else obj.name
        AuditEvent.record(action, client=obj.client_id, actor=request.user.pk, reason=changed)

    def delete_model(self, request: HttpRequest, obj: Client) -> None:
        AuditEvent.record(AuditEvent.Action.CLIENT_DELETED, client=obj.client_id, actor=request.user.pk)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        for client in queryset:
            self.delete_model(request, client)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        secret = getattr(request, "new_client_secret", None)
        if secret is None:
            self.message_user(
                request,
                f"{obj} is registered. Its client ID is {obj.client_id}; it has no secret.",
                messages.SUCCESS,
            )
            return HttpResponseRedirect(self._change_url(obj))
        return self._show_secret(request, obj, secret)

    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(never_cache(function))

        return [
            path("<path:object_id>/new-secret/", view(self.new_secret), name="oauth_client_new_secret"),
            path("<path:object_id>/retire-secret/", view(self.retire_secret), name="oauth_client_retire_secret"),
            *super().get_urls(),
        ]

    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A new secret; the old one works for SECRET_OVERLAP more."""
        client = get_object_or_404(Client, pk=object_id)
        if request.method != "POST" or not client.has_secret or not self.has_change_permission(request, client):
            raise PermissionDenied
        secret = client.issue_secret(overlap_until=timezone.now() + SECRET_OVERLAP)
        with transaction.atomic(), origin("admin", request):
            changed = ["secret_digest", "previous_secret_digest", "previous_secret_expires_at", "updated"]
            client.save(update_fields=changed)
            AuditEvent.record(AuditEvent.Action.SECRET_ISSUED, client=client.client_id, actor=request.user.pk)
        self.log_change(request, client, "Issued a new secret.")
        return self._show_secret(request, client, secret)

    def retire_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The app uses the new secret: the one before it ends now and not after SECRET_OVERLAP."""
        client = get_object_or_404(Client, pk=object_id)
        if request.method != "POST" or not self.has_change_permission(request, client):
            raise PermissionDenied
        if client.has_two_secrets:
            client.previous_secret_digest = client.previous_secret_expires_at = None
            with transaction.atomic(), origin("admin", request):
                client.save(update_fields=["previous_secret_digest", "previous_secret_expires_at", "updated"])
                AuditEvent.record(AuditEvent.Action.SECRET_RETIRED, client=client.client_id, actor=request.user.pk)
            self.log_change(request, client, "Retired the old secret.")
            self.message_user(request, _("The old secret does not work any more."), messages.SUCCESS)
        return HttpResponseRedirect(self._change_url(client))

    def _show_secret(self, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Client secret",
            "opts": self.opts,
            "client": client,
            "secret": secret,
            "change_url": self._change_url(client),
        }
        response = TemplateResponse(request, "admin/oauth/client/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _change_url(self, client: Client) -> str:
        return reverse("admin:oauth_client_change", args=[client.pk])
