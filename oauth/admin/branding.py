"""The branding of the pages: a single row. Without it, the settings apply."""

from django.contrib import admin
from django.http import HttpRequest

from oauth.models import Branding
from oauth.staff import Guarded


@admin.register(Branding)
class BrandingAdmin(Guarded):
    list_display = ("__str__", "logo", "color")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Branding.objects.exists()
