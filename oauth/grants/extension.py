"""The base class of grant types of other apps (RFC 6749 §4.5).

    OAUTH["GRANT_TYPES"] = {"urn:ietf:params:oauth:grant-type:jwt-bearer": "bank.grants.JWTBearer"}

The key is the value of `grant_type`, an absolute URI of at most 60 characters.
"""

from typing import ClassVar

from oauth.grants.issuance import GrantRequest, Issuance


class ExtensionGrant:
    """The token endpoint, the metadata, the registration and the admin support each registered subclass."""

    #: The name of the grant type in the admin.
    label: ClassVar[str]
    #: Whether public clients may use the grant type.
    allows_public_clients: ClassVar[bool] = False
    #: Whether clients may register for the grant type themselves (RFC 7591). Otherwise only an admin can allow it.
    is_registrable: ClassVar[bool] = False

    def issue(self, request: GrantRequest) -> Issuance:
        """Issues tokens to a client that has authenticated and may use this grant type. Runs in a transaction.

        Call `issuance.issue_to_client` or `issuance.issue_to_user`, which never exceed what the client may have. Raises
        an error of `oauth.errors`, usually InvalidGrant.
        """
        raise NotImplementedError
