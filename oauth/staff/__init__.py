"""What holds for everything in the Django admin, third parties' lists included.

`GuardedSite` is an AdminSite for `default_site` of an AdminConfig: each ModelAdmin that is registered with it becomes a
`Guarded` one. The ModelAdmins of `oauth` are `Guarded` by themselves, so they are safe in any site.
"""

from oauth.staff.guard import Guarded
from oauth.staff.site import GuardedSite, changes_nothing

__all__ = ["Guarded", "GuardedSite", "changes_nothing"]
