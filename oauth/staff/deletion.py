"""Rows that staff do not delete, but that are deleted together with a user or a client."""

from typing import Any

from django.http import HttpRequest

from oauth.infrastructure.generic import ModelAdmin


class DeletedOnlyWithOthers(ModelAdmin[Any]):
    """Django asks the admin of each row that would be deleted, too. A plain no would make every user and client with
    such a row undeletable, also for a superuser.
    """

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own_pages = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        is_elsewhere = match is not None and not (match.url_name or "").startswith(own_pages)
        return is_elsewhere and bool(super().has_delete_permission(request, obj))
