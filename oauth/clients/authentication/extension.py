"""A client authentication method of another app.

    OAUTH["CLIENT_AUTHENTICATION_METHODS"] = {"attest_jwt_client_auth": "bank.attestation.AttestationMethod"}

The key is the value of `token_endpoint_auth_method` (RFC 7591 §2), at most 30 characters.
"""

from typing import Any, ClassVar

from django.http import HttpRequest

from oauth.models import Client
from oauth.parameters import Parameters


class ExtensionMethod:
    """Subclass it. All endpoints then accept the method from clients that are registered for it."""

    #: For the admin.
    label: ClassVar[str]
    #: FAPI 2.0 §5.3.2.1: whether the client proves a key or a certificate, and no shared secret.
    is_strong: ClassVar[bool] = False

    def is_presented(self, request: HttpRequest, params: Parameters) -> bool:
        """Whether the request carries credentials of this method. A request may use only one (RFC 6749 §2.3)."""
        raise NotImplementedError

    def read_credentials(self, request: HttpRequest, params: Parameters) -> tuple[str, Any]:
        """The client_id that the credentials name, and what `verify` needs; nothing is verified yet.

        Raises InvalidClient if they are malformed.
        """
        raise NotImplementedError

    def verify(self, proof: Any, client: Client) -> None:
        """Raises InvalidClient unless this client made the proof.

        It may be called twice: first with a client that was read some seconds ago, then with the current one. Raise
        `UsedBefore` for a proof that was used before, so that it is not tried again.
        """
        raise NotImplementedError
