"""An AdminSite that guards each ModelAdmin as it is registered, so that no third party's can be forgotten."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin

from oauth.staff.guard import guarded


class GuardedSite(AdminSite):
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        super().register(model_or_iterable, guarded(admin_class or ModelAdmin), **options)
