"""An AdminSite that guards each ModelAdmin as it is registered, so that no third party's can be forgotten."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin

from oauth.staff.guard import guarded


def changes_nothing(view: Any) -> Any:
    """Marks a view that takes a POST but neither changes nor gives away anything, so that no proof is asked for it."""
    view.changes_nothing = True
    return view


class GuardedSite(AdminSite):
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        super().register(model_or_iterable, guarded(admin_class or ModelAdmin), **options)
