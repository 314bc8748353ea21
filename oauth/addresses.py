"""The URLs of the endpoints, for the metadata and for checking `htu` of DPoP proofs and `aud` of client assertions.

An endpoint's URL is below the issuer, which may have a path. An endpoint that clients call with a certificate also has
an alias with the same path at MTLS_ORIGIN (RFC 8705 §5). A JWT may name either URL. Neither depends on the Host header
of a request.
"""

from oauth.conf import conf

#: The metadata member of each endpoint (RFC 8414 §2 and extensions) and its path below the issuer.
ENDPOINTS = {
    "authorization_endpoint": "/oauth/authorize",
    "token_endpoint": "/oauth/token",
    "pushed_authorization_request_endpoint": "/oauth/par",
    "backchannel_authentication_endpoint": "/oauth/backchannel_authentication",
    "device_authorization_endpoint": "/oauth/device_authorization",
    "revocation_endpoint": "/oauth/revoke",
    "introspection_endpoint": "/oauth/introspect",
    "userinfo_endpoint": "/oauth/userinfo",
    "registration_endpoint": "/oauth/register",
    "end_session_endpoint": "/oauth/logout",
    "grant_management_endpoint": "/oauth/grants",
    "jwks_uri": "/oauth/jwks",
}
#: The endpoints where the client authenticates.
AUTHENTICATING = (
    "token_endpoint",
    "pushed_authorization_request_endpoint",
    "backchannel_authentication_endpoint",
    "device_authorization_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
)
#: The endpoints that clients call with a certificate, to authenticate or to present a certificate-bound token.
WITH_CERTIFICATE = (*AUTHENTICATING, "userinfo_endpoint", "grant_management_endpoint")


def published() -> dict[str, str]:
    """Metadata member -> URL of each endpoint."""
    return {name: conf.url(path) for name, path in ENDPOINTS.items()}


def aliases() -> dict[str, str]:
    """`mtls_endpoint_aliases`; empty if there is no origin for mutual TLS."""
    if not (conf.CLIENT_CERTIFICATE and conf.MTLS_ORIGIN):
        return {}
    return {name: of_endpoint(name)[1] for name in WITH_CERTIFICATE}


def of_endpoint(name: str) -> tuple[str, ...]:
    """Both URLs of the endpoint with this metadata member; the one below the issuer comes first."""
    path = f"{conf.issuer_path}{ENDPOINTS[name]}"
    return of_path(conf.issuer_origin, path) if name in WITH_CERTIFICATE else (f"{conf.issuer_origin}{path}",)


def of_path(origin: str, path: str) -> tuple[str, ...]:
    """All URLs of a path that clients call with a certificate or a bound token. `origin` is that of the issuer or of an
    API; `path` is the complete path.
    """
    if conf.CLIENT_CERTIFICATE and conf.MTLS_ORIGIN and origin == conf.issuer_origin:
        return (f"{origin}{path}", f"{conf.MTLS_ORIGIN}{path}")
    return (f"{origin}{path}",)


def of_client_authentication() -> frozenset[str]:
    """The URLs of all endpoints where clients authenticate."""
    return frozenset(url for name in AUTHENTICATING for url in of_endpoint(name))
