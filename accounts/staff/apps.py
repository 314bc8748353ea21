from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """django.contrib.admin with our admin site, which adds checks to the ModelAdmins of every app."""

    default_site = "accounts.staff.site.StaffSite"
