"""What a new email, password or state of a user ends, and whom it notifies. `User.save()` calls it, so no code can
bypass it.

The functions exported here are for the shell, commands and other apps. Imports `notices` and `models`.
"""

from accounts.changes.acts import (
    all_access_ended,
    deactivate,
    reactivate,
    replace_address,
    set_password,
    why_inactive,
)

__all__ = ["all_access_ended", "deactivate", "reactivate", "replace_address", "set_password", "why_inactive"]
