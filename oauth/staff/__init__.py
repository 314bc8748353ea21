"""Rules for every page of the Django admin, also of third-party apps.

`GuardedSite` is an AdminSite for `default_site` of an AdminConfig: it makes each ModelAdmin registered with it a
`Guarded` one. The ModelAdmins of `oauth` are `Guarded` themselves, so they are safe in any site.
"""

from oauth.staff.deletion import DeletedOnlyWithOthers
from oauth.staff.guard import Guarded
from oauth.staff.site import GuardedSite, changes_nothing

__all__ = ["DeletedOnlyWithOthers", "Guarded", "GuardedSite", "changes_nothing"]
