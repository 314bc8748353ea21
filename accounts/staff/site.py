"""The admin of this site."""

from oauth.staff import GuardedSite


class StaffSite(GuardedSite):
    site_header = site_title = "Countersign"
    index_title = "Administration"
