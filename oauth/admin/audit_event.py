"""The audit log: search by error ID, user, client or authorization, filter and export. Nobody can edit it."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from oauth.admin import export, refused_request
from oauth.admin.error_id import error_id_in
from oauth.admin.links import Links
from oauth.admin.paginator import CappedPaginator
from oauth.models import AuditEvent
from oauth.models.audit_event import AuditEventQuerySet, origin
from oauth.staff import Guarded

_WENT_WRONG = (AuditEvent.Action.REFUSED, AuditEvent.Action.DENIED)


class NarrowDown(forms.Form):
    """The filters of the log. Each uses an index or a range of the primary key."""

    action = forms.ChoiceField(label=_("Event"), required=False, choices=[("", _("All")), *AuditEvent.Action.choices])
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        choices=[("", _("All")), ("refused", _("Refused or denied")), ("done", _("Done"))],
    )
    error_code = forms.CharField(label=_("OAuth error"), required=False, max_length=60)
    client_id = forms.CharField(label=_("Client ID"), required=False, max_length=255)
    person = forms.CharField(label=_("User"), required=False, max_length=254, help_text=_("Login name or primary key."))
    by_admin = forms.CharField(label=_("Admin"), required=False, max_length=254)
    since = forms.DateTimeField(label=_("From"), required=False, help_text="2026-01-31 08:00")
    until = forms.DateTimeField(label=_("Before"), required=False)

    def narrowed(self, events: AuditEventQuerySet) -> AuditEventQuerySet:
        """The matching events; none if a field is invalid."""
        if not self.is_valid():
            return events.none()
        wanted = self.cleaned_data
        exact = {
            "action": wanted["action"],
            "error": wanted["error_code"],
            "client": wanted["client_id"],
            "user": _primary_key(wanted["person"]),
            "actor": _primary_key(wanted["by_admin"]),
        }
        events = events.filter(**{name: value for name, value in exact.items() if value})
        if wanted["outcome"] == "refused":
            events = events.filter(action__in=_WENT_WRONG)
        elif wanted["outcome"] == "done":
            events = events.exclude(action__in=_WENT_WRONG)
        return events.between(wanted["since"], wanted["until"])


def _primary_key(name: str) -> str:
    """The primary key of the user with this login name. If there is none, returns `name`, which may be the primary key
    of a deleted user.
    """
    if not name:
        return ""
    user: Any = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name}).first()
    return str(user.pk) if user else name


def _lines(*texts: str) -> str:
    return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in texts if text)) or "-"


class NarrowDownFilter(admin.ListFilter):
    """A form instead of Django's lists of links, which would be too long for clients and users."""

    title = _("filter")
    template = "admin/oauth/auditevent/filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        given = {name: params.pop(name)[-1] for name in self.expected_parameters() if name in params}
        self.used_parameters.update({name: value for name, value in given.items() if value})
        self.form = NarrowDown(given)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(NarrowDown.base_fields)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield {"form": self.form, "query": changelist.query}

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return self.form.narrowed(queryset)  # type: ignore[arg-type]  # self.form is set in __init__


@admin.register(AuditEvent)
class AuditEventAdmin(Guarded):
    # Some cells show two fields, so that the table fits beside the filter at 1280 px.
    list_display = ("time", "what", "who", "app", "why", "where")
    list_filter = (NarrowDownFilter,)
    # Only whole values, because these have indexes.
    search_fields = ("error_id__exact", "client__exact", "user__exact")
    search_help_text = _(
        "An error ID, a client ID or a user ID. Shows the newest 1000 events; use the filter to see others."
    )
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    sortable_by = ()  # the primary key already sorts by time
    list_per_page = 50
    change_list_template = "admin/oauth/auditevent/change_list.html"
    fields = (
        "id", "at", "action", "endpoint", "user", "actor", "client", "authorization", "address", "error",
        "error_id", "reason",
    )  # fmt: skip
    readonly_fields = fields

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        return super().get_search_results(request, queryset, error_id_in(search_term))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Reads the names of the page's users and clients in two queries."""
        changelist = super().get_changelist_instance(request)
        events = list(changelist.result_list)
        links = Links.of(request, events)
        for event in events:
            event.links = links
        changelist.result_list = events
        return changelist

    @admin.display(description=_("Time"))
    def time(self, event: AuditEvent) -> str:
        at = timezone.localtime(event.at)
        return _lines(f"{at:%Y-%m-%d}", f"{at:%H:%M:%S %Z}")

    @admin.display(description=_("Event"))
    def what(self, event: AuditEvent) -> str:
        return _lines(event.get_action_display(), event.error)

    @admin.display(description=_("Who"))
    def who(self, event: Any) -> str:
        return _lines(*(event.links.user(one) for one in (event.user, event.actor) if one))

    @admin.display(description=_("Client"))
    def app(self, event: Any) -> str:
        return _lines(event.links.client(event.client))

    @admin.display(description=_("Reason and error ID"))
    def why(self, event: AuditEvent) -> str:
        error_id = format_html("<code>{}</code>", event.error_id) if event.error_id else ""
        return _lines(event.reason, error_id)

    @admin.display(description=_("Where"))
    def where(self, event: AuditEvent) -> str:
        return _lines(event.endpoint, event.address or "")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("oauth.export_auditevent")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {
            "may_export": self.has_export_permission(request),
            "formats": export.FORMATS,
            "remembered": refused_request.table_of(request, error_id_in(request.GET.get("q", ""))),
        }
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.export_view))
        return [path("export/", view, name="oauth_auditevent_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse | HttpResponse:
        """Exports all events that match the filter. Requires POST, because the log records the export."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        narrow_down = NarrowDown(QueryDict(request.GET.urlencode()))
        events = narrow_down.narrowed(AuditEvent.objects.all())
        if search := request.GET.get("q", ""):
            events, _may_repeat = self.get_search_results(request, events, search)
        format_name = request.POST.get("format", "")
        if format_name not in export.FORMATS:
            format_name = "csv"
        asked = " ".join(f"{name}={value}" for name, value in request.GET.items() if value)
        with origin("admin", request):
            AuditEvent.record(
                AuditEvent.Action.AUDIT_EXPORTED, actor=request.user.pk, reason=f"{format_name} {asked}".strip()
            )
        return export.response(events, format_name, name=f"audit-{timezone.now():%Y%m%d-%H%M%S}")
