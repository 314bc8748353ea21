"""The consequences of a user's new email, password or state. `User.save()` calls it, so no code can bypass it.

These functions are for the shell, commands and other apps. Imports `notices` and `models`.
"""

from accounts.changes.acts import deactivate, reactivate, replace_address, set_password, why_inactive

__all__ = ["deactivate", "reactivate", "replace_address", "set_password", "why_inactive"]
