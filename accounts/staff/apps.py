from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """django.contrib.admin with our site: each list that any app registers is guarded."""

    default_site = "accounts.staff.site.StaffSite"
