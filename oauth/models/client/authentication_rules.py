"""The rules about client authentication: the method, the keys and the certificate."""

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cryptography import x509

from oauth.models.client import authentication
from oauth.models.client import keys as client_keys
from oauth.models.client.authentication import TLS_METHODS, AuthenticationMethod
from oauth.models.client.site import site

if TYPE_CHECKING:
    from oauth.models.client.model import Client

Errors = Mapping[str, Any]


def method(client: "Client") -> Errors:
    if client.token_endpoint_auth_method not in authentication.offered():
        return {"token_endpoint_auth_method": "This server is not configured for this authentication method."}
    return {}


def signature(client: "Client") -> Errors:
    """OpenID Connect Registration §2: token_endpoint_auth_signing_alg is only for private_key_jwt."""
    chosen = client.token_endpoint_auth_signing_alg
    if not chosen:
        return {}
    if client.token_endpoint_auth_method != AuthenticationMethod.PRIVATE_KEY_JWT:
        return {"token_endpoint_auth_signing_alg": "Only a client with private_key_jwt signs assertions."}
    if chosen not in client.signing_algorithms:
        return {"token_endpoint_auth_signing_alg": "FAPI requires signatures with PS256, ES256 or EdDSA (§5.4.1)."}
    return {}


def fapi_authentication(client: "Client") -> Errors:
    if client.is_fapi and not client.has_strong_authentication:
        message = "FAPI 2.0 requires private_key_jwt or a certificate (§5.3.2.1)."
        return {"token_endpoint_auth_method": message}
    return {}


def certificate(client: "Client") -> Errors:
    """RFC 8705 §2.1.2: a certificate of a certificate authority is identified by exactly one name."""
    wants_certificate = (
        client.tls_client_certificate_bound_access_tokens or client.token_endpoint_auth_method in TLS_METHODS
    )
    if wants_certificate and not site.values.sees_certificates:
        return {"tls_client_certificate_bound_access_tokens": "This server is not configured for mutual TLS."}
    is_known_by_name = client.token_endpoint_auth_method == AuthenticationMethod.TLS_CLIENT_AUTH
    if len(client.certificate_names) != (1 if is_known_by_name else 0):
        message = "A client with tls_client_auth must have exactly one certificate name; any other must have none."
        return {"tls_client_auth_subject_dn": message}
    try:
        if client.tls_client_auth_subject_dn:
            x509.Name.from_rfc4514_string(client.tls_client_auth_subject_dn)
        if client.tls_client_auth_san_ip:
            ipaddress.ip_address(client.tls_client_auth_san_ip)
    except ValueError:
        message = "A subject must be in the form of RFC 4514, and an address must be an IP address."
        return {"tls_client_auth_subject_dn": message}
    return {}


def keys(client: "Client") -> Errors:
    try:
        _validate_keys(client)
    except ValueError as error:
        return {"client_jwks": str(error)}
    return {}


def _signs_by(client: "Client") -> list[tuple[str, ...]]:
    """The allowed algorithms for each kind of JWT that the client signs. The client must have a key for one of them."""
    signs = []
    if client.must_sign_requests or client.request_object_signing_alg:
        signs.append(client.request_object_algorithms)
    if client.token_endpoint_auth_method == AuthenticationMethod.PRIVATE_KEY_JWT:
        signs.append(client.assertion_algorithms)
    return signs


def _validate_keys(client: "Client") -> None:
    """RFC 7591 §2: a client must not have both jwks and jwks_uri. Raises ValueError."""
    jwks, name = client.client_jwks, client.token_endpoint_auth_method
    if jwks is not None and client.client_jwks_uri:
        raise ValueError("give jwks or jwks_uri, not both.")
    if jwks is not None:
        for algorithms in _signs_by(client) or [()]:
            client_keys.validate_jwks(jwks, signs_by=algorithms)
    needs_keys = (AuthenticationMethod.PRIVATE_KEY_JWT, AuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH)
    if name in needs_keys and jwks is None and not client.client_jwks_uri:
        raise ValueError(f"{name} needs jwks or jwks_uri.")
    is_self_signed = name == AuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH
    if is_self_signed and jwks is not None and not client_keys.certificates(jwks["keys"]):
        raise ValueError("self_signed_tls_client_auth needs keys with their certificate in x5c.")
