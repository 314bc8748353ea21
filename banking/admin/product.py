"""Products: the name and the offer of one can change; its terms cannot. For other terms, add another product."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from banking.models import Product
from oauth.infrastructure.generic import ModelAdmin

_CHANGEABLE = ("name", "is_on_offer")


@admin.register(Product)
class ProductAdmin(ModelAdmin[Product]):
    list_display = ("name", "kind", "currency", "is_on_offer", "allows_overdraft")
    list_filter = ("is_on_offer", "kind")
    fields = (
        "name", "kind", "currency", "is_on_offer", "allows_overdraft", "credit_interest_rate",
        "overdraft_interest_rate", "monthly_fee_minor",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else [name for name in self.fields if name not in _CHANGEABLE]

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        # The site's role may update no other column.
        obj.save(**({"update_fields": _CHANGEABLE} if change else {"force_insert": True}))
