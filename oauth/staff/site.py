"""An AdminSite that makes each registered ModelAdmin `Guarded`, including those of third-party apps."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin

from oauth.staff.guard import guarded


def changes_nothing(view: Any) -> Any:
    """Marks a view that accepts POST but changes and reveals nothing, so it requires no recent authentication."""
    view.changes_nothing = True
    return view


class GuardedSite(AdminSite):
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        super().register(model_or_iterable, guarded(admin_class or ModelAdmin), **options)
