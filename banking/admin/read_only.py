"""The base of all lists and pages of the bank in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from banking.admin import search
from banking.admin.pages import UncountedChangeList, UncountedPaginator
from banking.notation import amounts
from oauth.infrastructure.generic import ModelAdmin, Paginator

#: The last page number that is shown; beyond it, staff must search.
MOST_PAGES = 1_000_000


class NeverEdited:
    """For lists, pages and inlines: nothing can be added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(NeverEdited, ModelAdmin[Any]):
    """`found_by_id`, `found_by_account` and `found_by_user` are the lookups for a search term that is an id, an account
    or a user.
    """

    ordering = ("-id",)
    sortable_by = ()  # sorting by a column would sort the whole table
    actions = None
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets count
    search_fields = ("id",)  # shows the search box; get_search_results does the search
    search_help_text = _("A whole id, IBAN or email address.")

    found_by_id: tuple[str, ...] = ("id",)
    found_by_account: tuple[str, ...] = ()
    found_by_user: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*(self.list_select_related or ()))  # type: ignore[misc]  # NeverEdited has no such method; ModelAdmin has

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[UncountedChangeList]:
        return UncountedChangeList

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: Any, *_: Any, **__: Any) -> Paginator[Any]:
        try:
            number = int(request.GET.get("p", 1))
        except ValueError:
            number = 1
        number = min(number, MOST_PAGES)
        return UncountedPaginator(queryset, per_page, number=number)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        if not search_term:
            return queryset, False
        term = search.parse_term(search_term)
        meant = Q(pk__in=[])
        for value, lookups in (
            (term.id, self.found_by_id),
            (term.account_id, self.found_by_account),
            (term.user_id, self.found_by_user),
        ):
            if value is not None:
                for lookup in lookups:
                    meant |= Q((lookup, value))
        return queryset.filter(meant), False


class WithAmount:
    """Shows the currency and the amount of a row together."""

    @admin.display(description=_("amount"))
    def amount(self, one: Any) -> str:
        return amounts.with_code(one.currency, one.amount_minor)
