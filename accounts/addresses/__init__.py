"""Email addresses: which user owns one, the forms that take one, and the limit of emails to one.

Imports `browsers`, `changes` and what these import.
"""

from accounts.addresses.ownership import delete_claims, owner_of

__all__ = ["delete_claims", "owner_of"]
