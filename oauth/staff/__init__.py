"""Rules for every page of the Django admin, including those of third-party apps.

`GuardedSite` is an AdminSite for `default_site` of an AdminConfig, which makes each registered ModelAdmin `Guarded`.
The ModelAdmins of `oauth` are already `Guarded`, so they are safe in any AdminSite.
"""

from oauth.staff.deletion import DeletedOnlyWithOthers
from oauth.staff.guard import Guarded
from oauth.staff.site import GuardedSite, changes_nothing

__all__ = ["DeletedOnlyWithOthers", "Guarded", "GuardedSite", "changes_nothing"]
