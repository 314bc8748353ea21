"""tls_client_auth and self_signed_tls_client_auth: a client is known by the certificate of its TLS (RFC 8705 §2)."""

from oauth.clients.authentication import keys
from oauth.errors import InvalidClient
from oauth.models import Client
from oauth.models.client import AuthenticationMethod, offered_authentication_methods
from oauth.proof.certificate import Certificate


def verify(certificate: Certificate | None, client: Client) -> None:
    """Raises InvalidClient unless this is the certificate of the client, by the method that it is registered for."""
    if client.token_endpoint_auth_method not in offered_authentication_methods():
        raise InvalidClient("This server is not set up for the mutual TLS that this client is registered for.")
    if certificate is None:
        raise InvalidClient("This client authenticates by its TLS certificate, and presented none here.")
    if client.token_endpoint_auth_method == AuthenticationMethod.TLS_CLIENT_AUTH:
        # §2.1: first whether an authority stands for it, then whether it is this client's.
        [(kind, name)] = client.certificate_names.items() or [("", "")]
        is_known = certificate.is_issued() and certificate.is_named(kind, name)
    else:
        try:
            is_known = certificate.is_one_of(keys.certificates(client))
        except ValueError:
            is_known = False
    if not is_known:
        raise InvalidClient(
            "The TLS certificate is not the one of this client, or has expired.",
            detail=f"x5t#S256 {certificate.thumbprint}",
        )
