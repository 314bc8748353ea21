"""New redirect hosts of clients in use. One admin requests a host on the client's page; another approves it here."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from oauth.models import NewRedirectHost
from oauth.models.audit_event import origin
from oauth.staff import DeletedOnlyWithOthers, Guarded


@admin.register(NewRedirectHost)
class NewRedirectHostAdmin(DeletedOnlyWithOthers, Guarded):
    audits_itself = True
    list_display = ("client", "redirect_uris", "asked_by", "asked_at", "decided_by", "decided_at", "is_approved")
    list_select_related = ("client", "asked_by", "decided_by")
    ordering = ("-pk",)
    actions = ("approve", "reject")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: NewRedirectHost | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: NewRedirectHost | None = None) -> bool:
        return request.user.has_perm("oauth.view_client")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("oauth.change_client")

    @admin.action(description="Approve the selected new redirect hosts", permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[NewRedirectHost]) -> None:
        self._decide(request, queryset, NewRedirectHost.approve, "Approved")

    @admin.action(description="Reject the selected new redirect hosts", permissions=["decide"])
    def reject(self, request: HttpRequest, queryset: QuerySet[NewRedirectHost]) -> None:
        self._decide(request, queryset, NewRedirectHost.reject, "Rejected")

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[NewRedirectHost],
        act: Callable[[NewRedirectHost, Any], None],
        done: str,
    ) -> None:
        for pending in queryset:
            try:
                with origin("admin", request):
                    act(pending, request.user)
            except (PermissionDenied, ValidationError) as refusal:
                self.message_user(request, f"{pending}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{done}: {pending}", messages.SUCCESS)
