"""The names that apps show for the counterparties of transactions, and their categories. Staff may edit it, because it
moves no money.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from banking.models import Merchant
from banking.models.merchant import counterparty_of
from oauth.infrastructure.generic import ModelAdmin


@admin.register(Merchant)
class MerchantAdmin(ModelAdmin[Any]):
    list_display = ("name", "category", "category_code", "counterparty")
    list_filter = ("category",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("name",)  # shows the search box; get_search_results does the search
    search_help_text = "The beginning of the name, or the whole counterparty."
    fields = ("counterparty", "name", "category", "category_code")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Merchant], search_term: str
    ) -> tuple[QuerySet[Merchant], bool]:
        if not search_term:
            return queryset, False
        meant = Q(name__istartswith=search_term) | Q(counterparty__iexact=counterparty_of(search_term))
        return queryset.filter(meant), False
