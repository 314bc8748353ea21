"""The authorizations that users gave to clients. Staff can view and revoke them, but not edit them."""

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from oauth.admin.paginator import CappedPaginator
from oauth.models import Authorization, Client
from oauth.staff import DeletedOnlyWithOthers, Guarded


class LiveFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("live", "live"), ("revoked", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> QuerySet[Authorization]:
        if self.value() == "live":
            return queryset & Authorization.objects.live()
        if self.value() == "revoked":
            return queryset.exclude(revoked_at=None)
        return queryset


@admin.register(Authorization)
class AuthorizationAdmin(DeletedOnlyWithOthers, Guarded):
    audits_itself = True
    list_display = (
        "client",
        "user",
        "scope",
        "created_at",
        "last_used_at",
        "expires_at",
        "is_live",
        "revocation_reason",
    )
    list_filter = (LiveFilter, "revocation_reason")
    list_select_related = ("client", "user")
    search_fields = ("pk",)  # makes Django show the search field; see get_search_results
    search_help_text = _("A client ID, or a user's login name.")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    ordering = ("-id",)  # UUIDv7, so the newest come first
    sortable_by = ()
    actions = ("revoke",)
    fields = (
        "client", "user", "session", "scopes", "resources", "authorization_details", "created_at",
        "last_used_at", "expires_at",
        "revoked_at", "revocation_reason", "revoked_by",
    )  # fmt: skip
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Authorization], search_term: str
    ) -> tuple[QuerySet[Authorization], bool]:
        """Looks up the client or user first, because an OR over joined tables would read all rows."""
        term = search_term.strip()
        if not term:
            return queryset, False
        user = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: term}).first()
        if user is not None:
            return queryset.filter(user=user), False
        return queryset.filter(client__in=Client.objects.filter(client_id=term)), False

    @admin.display(boolean=True, description="live")
    def is_live(self, authorization: Authorization) -> bool:
        return authorization.is_live

    @admin.display(description="scopes")
    def scope(self, authorization: Authorization) -> str:
        return " ".join(authorization.scopes)

    @admin.action(description="Revoke the selected authorizations", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> None:
        selected = Authorization.objects.filter(pk__in=queryset.values("pk"))
        revoked = selected.revoke(Authorization.RevocationReason.ADMIN, by=request.user)
        for authorization in selected:
            self.log_change(request, authorization, "Revoked.")
        self.message_user(request, f"{revoked} authorizations revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("oauth.change_authorization")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
