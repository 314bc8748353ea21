"""A grant type of another app (RFC 6749 §4.5).

    OAUTH["GRANT_TYPES"] = {"urn:ietf:params:oauth:grant-type:jwt-bearer": "bank.grants.JWTBearer"}

The key is the value of `grant_type`: an absolute URI of at most 60 characters.
"""

from typing import ClassVar

from oauth.grants.issuance import GrantRequest, Issuance


class ExtensionGrant:
    """Subclass it. The token endpoint, the metadata, the registration and the admin then know the grant type."""

    #: For the admin.
    label: ClassVar[str]
    #: Whether a client that cannot authenticate may use it.
    allows_public_clients: ClassVar[bool] = False
    #: Whether a client may register itself for it (RFC 7591). Otherwise, only an admin can give it.
    is_registrable: ClassVar[bool] = False

    def issue(self, request: GrantRequest) -> Issuance:
        """The tokens for a client that has authenticated and may use this grant type. Runs in a transaction.

        Raises an error of `oauth.errors`, usually InvalidGrant. Call `issuance.issue_to_client` or
        `issuance.issue_to_user` for the tokens; they never give a client more than it may have.
        """
        raise NotImplementedError
