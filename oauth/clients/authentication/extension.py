"""The base class of client authentication methods of other apps.

    OAUTH["CLIENT_AUTHENTICATION_METHODS"] = {"attest_jwt_client_auth": "bank.attestation.AttestationMethod"}

The key is the value of `token_endpoint_auth_method` (RFC 7591 §2), at most 30 characters.
"""

from typing import Any, ClassVar

from django.http import HttpRequest

from oauth.models import Client
from oauth.parameters import Parameters


class ExtensionMethod:
    """A registered subclass is accepted at all endpoints, from clients that are registered for its method."""

    #: The name of the method in the admin.
    label: ClassVar[str]
    #: FAPI 2.0 §5.3.2.1: whether the client proves possession of a private key instead of sending a shared secret.
    is_strong: ClassVar[bool] = False

    def is_presented(self, request: HttpRequest, params: Parameters) -> bool:
        """Whether the request has credentials of this method. A request must use only one method (RFC 6749 §2.3)."""
        raise NotImplementedError

    def read_credentials(self, request: HttpRequest, params: Parameters) -> tuple[str, Any]:
        """Returns the client_id that the unverified credentials name, and the proof for `verify`.

        Raises InvalidClient if they are malformed.
        """
        raise NotImplementedError

    def verify(self, proof: Any, client: Client) -> None:
        """Raises InvalidClient unless this client made the proof.

        May be called twice: first with a cached client, then with its current row. Raise `UsedBefore` for a proof that
        was already used, to prevent the second call.
        """
        raise NotImplementedError
