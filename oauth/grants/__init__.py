"""The grants, one file per grant type. Each is a function (GrantRequest) -> Issuance that runs in a transaction.

A grant consumes its code, token or assertion exactly once, or changes nothing. An error with `OAuthError.commits`
commits the transaction, so that a revocation takes effect. Other apps add grant types by subclassing `ExtensionGrant`.
Imports `resource_server`, `status` and packages below these.
"""

from contextlib import nullcontext

from django.db import transaction

from oauth import fast_path
from oauth.errors import OAuthError, UnauthorizedClient, UnsupportedGrantType
from oauth.grants import issuance, registry
from oauth.grants.extension import ExtensionGrant
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.grants.policy import TokenPolicy
from oauth.grants.registry import Grant


def run(grant_type: str, request: GrantRequest) -> Issuance:
    """Runs the grant. Raises UnsupportedGrantType, UnauthorizedClient (RFC 6749 §5.2), and the errors of the grant."""
    grant = registry.named(grant_type)
    if grant is None:
        raise UnsupportedGrantType(f"grant_type must be one of {', '.join(registry.names())}.")
    # ASVS 5.0 10.4.4: only grant types for which the client is registered.
    if not request.client.allows_grant_type(grant_type):
        raise UnauthorizedClient(f"This client is not registered for the grant type {grant_type}.")
    if request.client.is_public and not grant.allows_public_clients:
        raise UnauthorizedClient(f"A client must authenticate to use the grant type {grant_type}.")
    return (grant.try_fast and _try_fast(grant, request)) or _issue(grant, request)


def is_known(grant_type: str) -> bool:
    return registry.named(grant_type) is not None


def _try_fast(grant: Grant, request: GrantRequest) -> Issuance | None:
    return grant.try_fast(request) if grant.try_fast and fast_path.is_on() else None


def _issue(grant: Grant, request: GrantRequest) -> Issuance:
    refusal: OAuthError
    with transaction.atomic() if grant.is_transactional else nullcontext():
        try:
            return grant.issue(request)
        except OAuthError as error:
            if not error.commits:
                raise
            refusal = error
    raise refusal


__all__ = ["ExtensionGrant", "GrantRequest", "Issuance", "TokenPolicy", "is_known", "issuance", "run"]
