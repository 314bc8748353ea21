"""Clients. The admin selects the kind of app, and the form fills in safe values; other fields are collapsed."""

from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from oauth.admin.client_form import CERTIFICATE_NAMES, AddClientForm, ChangeClientForm, PlainClientForm
from oauth.admin.client_secret import SecretViews
from oauth.admin.client_tabs import TabViews, is_confirmed, origin_of, usage
from oauth.admin.client_tools import ToolViews
from oauth.admin.conformance import ConformanceViews
from oauth.admin.paginator import CappedPaginator
from oauth.clients import EXPLANATIONS, advice, preset, redirect_hosts
from oauth.clients.registration import ceiling
from oauth.conf import conf
from oauth.models import AuditEvent, Client, ClientLogo
from oauth.models.client import Kind
from oauth.staff import Guarded, actions


class ClientAdmin(SecretViews, TabViews, ToolViews, ConformanceViews, Guarded):
    """Registered by django-oauth-toolkit as OAUTH2_PROVIDER["APPLICATION_ADMIN_CLASS"]."""

    audits_itself = True
    list_display = ("name", "client_id", "kind", "owner", "is_live", "is_active", "created")
    list_filter = ("kind", "is_live", "is_active")
    list_select_related = ("user",)
    search_fields = ("name__istartswith", "client_id__exact")
    search_help_text = _("The beginning of the name, or the client ID.")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    view_on_site = False  # the link could lead staff to a URL that the app's developer chose
    paginator = CappedPaginator
    sortable_by = ()  # always sorted by primary key, the newest first
    autocomplete_fields = ("exchange_from",)
    change_list_template = "admin/oauth/client/change_list.html"
    change_form_template = "admin/oauth/client/change_form.html"
    delete_confirmation_template = "admin/oauth/client/delete_confirmation.html"
    readonly_fields = ("client_id", "kind", "client_type", "token_endpoint_auth_method", "created", "updated")

    def get_form(self, request: HttpRequest, obj: Client | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs |= {"form": AddClientForm, "fields": None}
        elif self.has_change_permission(request, obj):
            kwargs |= {"form": ChangeClientForm, "fields": None}
        else:
            kwargs |= {"form": PlainClientForm, "fields": ()}
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Client | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "logo_as_shown") if obj else ()

    @admin.display(description="developer")
    def owner(self, client: Client) -> str:
        """The developer who registered the client; none if an admin did, or if it was registered dynamically."""
        return str(client.user) if client.user else ""

    @admin.display(description="logo as users see it")
    def logo_as_shown(self, client: Client) -> str:
        """The stored copy of the logo; the form has only its URL."""
        row = ClientLogo.objects.filter(client=client, source=client.logo_uri).first()
        if row is None:
            return "The background worker has not fetched it yet." if client.logo_uri else "-"
        if not row.image:
            return f"None: {row.problem or 'it is being fetched'}"
        url = reverse("oauth:app-logo", args=[bytes(row.digest).hex()])
        return format_html('<img src="{}" alt="" width="64" height="64">', url)

    def get_fieldsets(self, request: HttpRequest, obj: Client | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": AddClientForm.fields_of(_kind(request))})]
        # Leave out unstored fields for staff with only the view permission.
        keys = ("client_jwks", "client_jwks_uri", *CERTIFICATE_NAMES)
        keys = ("proves_itself_by", *keys) if self.has_change_permission(request, obj) else keys
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
                "Keys and certificate of the client",
                {
                    "fields": keys,
                    "description": "Public keys, as a JWK Set or by its URL. For a certificate from a certificate "
                    "authority, enter exactly one of the five subject names. A self-signed certificate must be "
                    "in the keys as x5c (RFC 8705 §2).",
                    "classes": ("collapse",),
                },
            ),
            (
                "Stricter than the default",
                {
                    "fields": (
                        "security_profile",
                        "require_pkce",
                        "require_pushed_authorization_requests",
                        "dpop_bound_access_tokens",
                        "require_signed_request_object",
                        "request_object_signing_alg",
                        "token_endpoint_auth_signing_alg",
                        "authorization_signed_response_alg",
                        "tls_client_certificate_bound_access_tokens",
                        "accepts_endpoint_audience",
                    ),
                    "description": "With FAPI 2.0, the app authenticates with its own key (enter its public keys "
                    "above), pushes its requests, and gets tokens that are bound to a key. Its secret "
                    "stops working. FAPI-CIBA does the same for a client that sends back-channel "
                    "requests.",
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
                        "id_token_at_refresh",
                        "user_claims_in_id_token",
                        "default_max_age",
                        "backchannel_token_delivery_mode",
                        "backchannel_client_notification_endpoint",
                    ),
                    "classes": ("collapse",),
                },
            ),
            ("Token exchange", {"fields": ("exchange_policy", "exchange_from"), "classes": ("collapse",)}),
            ("Lifetimes", {"fields": ("access_token_lifetime", "authorization_lifetime")}),
            ("Shown to users", {"fields": ("client_uri", "logo_uri", "logo_as_shown", "policy_uri", "tos_uri")}),
            ("History", {"fields": ("created", "updated")}),
        ]

    class Media:
        css = {"all": ["oauth/admin.css"]}
        js = ["oauth/advice.js"]

    # --- pages

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_changeform_initial_data(request), "kind": _kind(request)}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        client: Client | None = context.get("original")
        kind = client.kind if client else _kind(request)
        form = context["adminform"].form
        about = client or (form.instance if form.is_bound or kind not in Kind.values else Client(**preset(kind)))
        context |= {
            "kind": Kind(kind) if kind in Kind.values else None,
            "kinds": [(one, EXPLANATIONS[one]) for one in Kind],
            "explanation": EXPLANATIONS[Kind(kind)] if kind in Kind.values else "",
            "advice": advice.advise(self.as_filled_in(form, about)) if kind in Kind.values else [],
            "always": advice.ALWAYS,
            "may_test": request.user.has_perm("oauth.test_client"),
            "tabs": list(self.tabs(request, client, "")) if client else [],
            "tabs_of": "About this client",
            "usage": usage(client) if client else "",
            "name_warnings": advice.imitation.warnings(client) if client else [],
            "origin": origin_of(request, client) if client else [],
            "issuer": conf.ISSUER,
            "may_measure": request.user.has_perm("oauth.view_conformance_report"),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        if not change and obj.has_secret:
            request.new_client_secret = obj.issue_secret()  # type: ignore[attr-defined]  # shown once, in the response
        obj.changed_by = request.user
        if change and redirect_hosts.hold_back(obj, request.user):
            held = (
                "Codes go to the new redirect host only after another admin has approved it, under New redirect hosts."
            )
            self.message_user(request, held, messages.WARNING)
        if change:
            ceiling.keep_to(obj, form.changed_data)
        super().save_model(request, obj, form, change)
        action = AuditEvent.Action.CLIENT_CHANGED if change else AuditEvent.Action.CLIENT_REGISTERED
        changed = ", ".join(form.changed_data) if change else obj.name
        AuditEvent.record(action, client=obj.client_id, actor=request.user.pk, reason=changed)

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Removes deletion from the list: a client is deleted on its own page, where staff must type its ID."""
        offered = actions.offered(super().get_actions, request, action_location)
        return {name: action for name, action in offered.items() if name != "delete_selected"}

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        client = self.get_object(request, object_id)
        is_asked = request.method == "POST" and self.has_delete_permission(request, client)
        if client and is_asked and not is_confirmed(request, client):
            return HttpResponseRedirect(request.path)
        extra = {"usage": usage(client)} if client else {}
        return super().delete_view(request, object_id, {**extra, **(extra_context or {})})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[Any], dict[str, int], set[str], Any]:
        """Staff who may delete a client may also delete its authorizations and other dependent rows."""
        rows, counts, lacking, protected = super().get_deleted_objects(objs, request)
        own = {str(model._meta.verbose_name) for model in apps.get_app_config("oauth").get_models()}
        return rows, counts, {name for name in lacking if str(name) not in own}, protected

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
                gettext("%(name)s is registered. Its client ID is %(client_id)s; it has no secret.")
                % {"name": obj.name, "client_id": obj.client_id},
                messages.SUCCESS,
            )
            return HttpResponseRedirect(self.change_url(obj))
        return self.show_secret(request, obj, secret)

    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(never_cache(function))

        return [
            path("advice/", view(self.advice_of_new), name="oauth_client_advice_of_new"),
            path("conformance/", view(self.conformance), name="oauth_client_conformance"),
            path("<path:object_id>/conformance/", view(self.conformance_of), name="oauth_client_conformance_of"),
            path("<path:object_id>/users/", view(self.users_tab), name="oauth_client_users"),
            path("<path:object_id>/events/", view(self.events_tab), name="oauth_client_events"),
            path("<path:object_id>/secret/", view(self.secret_tab), name="oauth_client_secret"),
            path("<path:object_id>/advice/", view(self.advice_of), name="oauth_client_advice"),
            path("<path:object_id>/test/", view(self.test), name="oauth_client_test"),
            path("<path:object_id>/programs/", view(self.programs), name="oauth_client_programs"),
            path("<path:object_id>/new-secret/", view(self.new_secret), name="oauth_client_new_secret"),
            path("<path:object_id>/retire-secret/", view(self.retire_secret), name="oauth_client_retire_secret"),
            *super().get_urls(),
        ]

    def change_url(self, client: Client) -> str:
        return reverse("admin:oauth_client_change", args=[client.pk])


def _kind(request: HttpRequest) -> str:
    """The kind selected on the first page of the registration."""
    return request.POST.get("kind") or request.GET.get("kind", "")
