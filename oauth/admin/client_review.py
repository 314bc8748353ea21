"""Review requests of developers: for a new app, or for new values of a live app. Staff approve or decline them."""

import hashlib
import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from oauth.clients import advice
from oauth.clients.self_service import reviews
from oauth.models import Client, ClientReview
from oauth.models.audit_event import origin
from oauth.models.client_review import REVIEWED
from oauth.staff import DeletedOnlyWithOthers, Guarded


@admin.register(ClientReview)
class ClientReviewAdmin(DeletedOnlyWithOthers, Guarded):
    """Staff with the permission to change clients decide, but not about their own apps."""

    audits_itself = True
    list_display = ("__str__", "client", "asked_by", "asked_at", "state", "decided_by", "decided_at")
    list_filter = ("state",)
    list_select_related = ("client", "asked_by", "decided_by")
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ClientReview | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: ClientReview | None = None) -> bool:
        return request.user.has_perm("oauth.view_client")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClientReview]:
        return super().get_queryset(request).select_related("client__user", "asked_by", "decided_by")

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [path("<int:pk>/decide/", decide, name="oauth_clientreview_decide"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Shows the requested and the current values and the two buttons."""
        review = self.get_object(request, object_id)
        if review is None or not self.has_view_permission(request, review):
            raise Http404
        wanted = _as_asked(review)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Review: {review}",
            "opts": self.opts,
            "review": review,
            "client": review.client,
            "rows": [(_label(name), _text(now), _text(then)) for name, now, then in _rows(review)],
            "advice": advice.advise(wanted),
            "looks_alike": wanted.name_looks_like_another,
            "name_warnings": advice.imitation.warnings(wanted),
            "may_decide": self._may_decide(request, review),
            "seen": _digest(review),
        }
        return TemplateResponse(request, "admin/oauth/clientreview/review.html", context)

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        review = self.get_object(request, str(pk))
        if review is None:
            raise Http404
        if request.method != "POST" or not request.user.has_perm("oauth.change_client"):
            raise PermissionDenied
        is_approved = request.POST.get("decision") == "approve"
        try:
            with transaction.atomic(), origin("admin", request):
                if is_approved:
                    _check_seen(review, request.POST.get("seen", ""))
                    reviews.approve(review, request.user)
                else:
                    reviews.decline(
                        review, request.user, reason=request.POST.get("reason", "").replace("\x00", "")[:500]
                    )
        except (PermissionDenied, ValidationError) as refusal:
            texts = refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]
            self.message_user(request, " ".join(texts), messages.ERROR)
        else:
            self.log_change(request, review, "Approved." if is_approved else "Declined.")
            done = (
                "Approved: the app is live with these values."
                if is_approved
                else "Declined. The developer is notified."
            )
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:oauth_clientreview_change", args=[pk]))

    def _may_decide(self, request: HttpRequest, review: ClientReview) -> bool:
        is_own = request.user.pk in (review.client.user_id, review.asked_by_id)
        return review.is_open and request.user.has_perm("oauth.change_client") and not is_own


def _check_seen(review: ClientReview, seen: str) -> None:
    """Locks the client. Raises ValidationError if its values are no longer those that the page showed: the page of a
    live app shows only the fields that would change, and another member of staff may have changed a field since.
    """
    review.client = Client.objects.select_for_update(of=("self",)).get(pk=review.client_id)
    if seen and seen != _digest(review):
        raise ValidationError(
            "Somebody else changed the client after you opened the page. Check what would change now."
        )


def _digest(review: ClientReview) -> str:
    shown = [review.client.is_live, *_rows(review)]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


def _rows(review: ClientReview) -> list[tuple[str, Any, Any]]:
    """The rows (name, current, requested): all values of an app that is not live, or the changes of a live app."""
    if not review.client.is_live:
        return [(name, "", review.values[name]) for name in REVIEWED]
    return review.changes()


def _as_asked(review: ClientReview) -> Client:
    """The client with the requested values. Never saved."""
    client: Client = Client.objects.get(pk=review.client_id)
    for name in REVIEWED:
        setattr(client, name, review.values[name])
    return client


def _label(name: str) -> str:
    return str(getattr(Client._meta.get_field(name), "verbose_name", name))


def _text(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value)
