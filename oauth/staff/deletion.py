"""Rows that staff cannot delete directly, but that are deleted together with a user or client."""

from typing import Any

from django.http import HttpRequest

from oauth.infrastructure.generic import ModelAdmin


class DeletedOnlyWithOthers(ModelAdmin[Any]):
    """Django also checks the delete permission for each dependent row. If it were always denied, not even a superuser
    could delete a user or client with such a row.
    """

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own_pages = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        is_elsewhere = match is not None and not (match.url_name or "").startswith(own_pages)
        return is_elsewhere and bool(super().has_delete_permission(request, obj))
