"""tls_client_auth and self_signed_tls_client_auth: a client authenticates with its TLS certificate (RFC 8705 §2)."""

from oauth.clients.authentication import keys
from oauth.conf import conf
from oauth.errors import InvalidClient
from oauth.models import Client
from oauth.models.client import AuthenticationMethod, authentication
from oauth.proof.certificate import Certificate


def verify(certificate: Certificate | None, client: Client) -> None:
    """Raises InvalidClient unless the certificate is the client's, according to its registered method."""
    if client.token_endpoint_auth_method not in authentication.offered():
        raise InvalidClient("This client is registered for mutual TLS, but this server is not configured for it.")
    if certificate is None:
        raise InvalidClient("This client must authenticate with its TLS certificate, but presented none.")
    if client.token_endpoint_auth_method == AuthenticationMethod.TLS_CLIENT_AUTH:
        # §2.1: a trusted authority must have issued the certificate, with this client's registered name.
        [(kind, name)] = client.certificate_names.items() or [("", "")]
        is_known = certificate.is_issued_by(conf.CLIENT_CERTIFICATE_AUTHORITIES) and certificate.is_named(kind, name)
    else:
        try:
            is_known = certificate.is_one_of(keys.certificates(client))
        except ValueError:
            is_known = False
    if not is_known:
        raise InvalidClient(
            "The TLS certificate is not that of this client, or it has expired.",
            detail=f"x5t#S256 {certificate.thumbprint}",
        )
