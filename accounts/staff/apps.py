from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """django.contrib.admin with our admin site, which guards every ModelAdmin of every app."""

    default_site = "accounts.staff.site.StaffSite"
