"""The addresses of the endpoints: metadata publishes them, and DPoP proofs and client assertions name them.

An endpoint is below the issuer, which may have a path. One that a client calls with its certificate also has an alias
at MTLS_ORIGIN (RFC 8705 §5), with the same path. A JWT may name either. None of them comes from the Host header of a
request.
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
#: The endpoints that a client calls with its certificate, to authenticate or to use a bound token.
WITH_CERTIFICATE = (*AUTHENTICATING, "userinfo_endpoint", "grant_management_endpoint")


def published() -> dict[str, str]:
    """The URLs of the endpoints, by metadata member."""
    return {name: conf.url(path) for name, path in ENDPOINTS.items()}


def aliases() -> dict[str, str]:
    """`mtls_endpoint_aliases`; empty if there is no origin for mutual TLS."""
    if not (conf.CLIENT_CERTIFICATE and conf.MTLS_ORIGIN):
        return {}
    return {name: of_endpoint(name)[1] for name in WITH_CERTIFICATE}


def of_endpoint(name: str) -> tuple[str, ...]:
    """All URLs of the endpoint with this metadata member; the issuer's comes first."""
    path = f"{conf.issuer_path}{ENDPOINTS[name]}"
    return of_path(conf.issuer_origin, path) if name in WITH_CERTIFICATE else (f"{conf.issuer_origin}{path}",)


def of_path(origin: str, path: str) -> tuple[str, ...]:
    """All URLs of a path that clients call with their certificate or a bound token. `origin` is the issuer's, or an
    API's own; `path` is the whole path of the URL."""
    if conf.CLIENT_CERTIFICATE and conf.MTLS_ORIGIN and origin == conf.issuer_origin:
        return (f"{origin}{path}", f"{conf.MTLS_ORIGIN}{path}")
    return (f"{origin}{path}",)


def of_client_authentication() -> frozenset[str]:
    """The URLs of all endpoints where clients authenticate."""
    return frozenset(url for name in AUTHENTICATING for url in of_endpoint(name))
