"""Email addresses: whose they are, the forms that take them, and how many emails go to one. Imports `browsers`."""

from accounts.addresses.ownership import delete_claims, owner_of

__all__ = ["delete_claims", "owner_of"]
