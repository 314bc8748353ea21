"""The name of an account, which everybody with access sees."""

from uuid import UUID

from banking.account_life.functions import call
from banking.payments.refusals import NotTheirs


def rename(account_id: UUID, name: str, *, by: UUID) -> None:
    """Raises NotTheirs if the user does not own the account."""
    if not call("rename_account", account_id, by, name):
        raise NotTheirs
