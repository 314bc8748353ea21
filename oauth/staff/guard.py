"""The base class of every ModelAdmin."""

from contextvars import ContextVar
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.core.exceptions import BadRequest
from django.db import DEFAULT_DB_ALIAS, IntegrityError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from oauth.infrastructure import replica
from oauth.infrastructure.generic import ModelAdmin
from oauth.staff import actions, audit, autocomplete, columns, lookups, seen

_UNIQUE_VIOLATION = "23505"

#: The alias of the database from which a list of the admin is read.
_alias: ContextVar[str] = ContextVar("alias", default=DEFAULT_DB_ALIAS)


class Guarded(ModelAdmin[Any]):
    """Allows only the lookups of filters and actions with a permission, and records changes in the audit log."""

    #: Additional query parameters that links to this list use.
    extra_lookups: tuple[str, ...] = ()
    #: Whether the ModelAdmin itself records its changes in the audit log, with more details.
    audits_itself = False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup in lookups.allowed(self, request)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Shows related rows as links."""
        return [
            columns.linked(self, request, name, is_first=at == 0)
            for at, name in enumerate(super().get_list_display(request))
        ]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Reads lists from a replica, which may be a second behind. Actions use POST and read from the primary."""
        if request.method != "GET" or self.list_editable:
            return super().get_changelist_instance(request)

        def ask(alias: str) -> Any:
            token = _alias.set(alias)
            try:
                changelist = super(Guarded, self).get_changelist_instance(request)
                if alias != DEFAULT_DB_ALIAS:
                    changelist.result_list = list(changelist.result_list)  # evaluate here, to catch a replica error
            finally:
                _alias.reset(token)
            return changelist

        return replica.read(request.user.pk, ask)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Checks the form again if another request has stored such a row since, as after a second click on “Save”."""
        try:
            page: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError as error:
            if getattr(error.__cause__, "sqlstate", "") != _UNIQUE_VIOLATION:
                raise
            page = super().changeform_view(request, object_id, form_url, extra_context)
        return page

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Removes links to pages that staff may not view, which Django shows for each read-only foreign key."""
        columns.unlink_forbidden(self, request, context["adminform"])
        for inline in context["inline_admin_formsets"]:
            columns.unlink_forbidden(inline.opts, request, inline, is_editable=inline.has_change_permission)
        if kwargs.get("change"):
            kwargs["form_url"] = seen.address_of_form(request, context["adminform"].form, kwargs.get("form_url", ""))
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Locks the row that a form is about to change. It is read again, because it may have changed meanwhile."""
        row = super().get_object(request, object_id, from_field)
        if row is None or request.method != "POST" or not self.has_change_permission(request, row):
            return row
        return seen.locked(row)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return seen.checked(form, request) if change else form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", autocomplete.Select(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            widget = autocomplete.SelectMultiple(db_field, self.admin_site, using=kwargs.get("using"))
            kwargs.setdefault("widget", widget)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if _alias.get() == DEFAULT_DB_ALIAS else rows.using(_alias.get())

    def get_list_select_related(self, request: HttpRequest) -> Any:
        """Joins all foreign keys of the list. By default, Django joins only those that the list names as fields."""
        return super().get_list_select_related(request) or columns.foreign_keys(self, request)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *where: Any, **given: Any) -> Any:
        """Django answers 500 if a selected row has a value that cannot be a key."""
        if not all(lookups.is_key(queryset, one) for one in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("A selected row has no valid key.")
        return super().response_action(request, queryset, *where, **given)

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        offered = actions.offered(super().get_actions, request, action_location)
        return {
            name: entry if self.audits_itself else actions.audited_entry(entry, name)
            for name, entry in offered.items()
            if actions.is_permitted(actions.function(entry))
        }

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._audit(request, "add", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._audit(request, "change", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for row in queryset:
            self._audit(request, "delete", row, "")
        return super().log_deletions(request, queryset)

    def _audit(self, request: HttpRequest, act: str, row: Model, message: Any) -> None:
        if not self.audits_itself:
            audit.record(request, act, [row], detail=audit.named(message))


def guarded(admin_class: type[ModelAdmin[Any]]) -> type[ModelAdmin[Any]]:
    """`admin_class` with Guarded as an additional base class."""
    if issubclass(admin_class, Guarded):
        return admin_class
    own = {
        name: getattr(admin_class, name) for name in ("extra_lookups", "audits_itself") if hasattr(admin_class, name)
    }
    body = {**own, "__module__": admin_class.__module__}
    metaclass: Any = type(admin_class)
    made: type[ModelAdmin[Any]] = metaclass(admin_class.__name__, (Guarded, admin_class), body)
    return made
