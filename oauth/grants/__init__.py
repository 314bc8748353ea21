"""The grants: each is one function (GrantRequest) -> Issuance, run inside one transaction. One file a grant type.

Whatever a grant consumes is consumed exactly once, or nothing happened; if a refusal revokes something
(`OAuthError.commits`), the revocation is kept although the client is told an error. Imports `clients`, `tokens`,
`status`, `models` and below.
"""

from contextlib import nullcontext

from django.db import transaction

from oauth.conf import conf
from oauth.errors import OAuthError, UnauthorizedClient, UnsupportedGrantType
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.grants.registry import GRANTS, Grant


def run(grant_type: str, request: GrantRequest) -> Issuance:
    """Raises UnsupportedGrantType, UnauthorizedClient (RFC 6749 §5.2), or what the grant raises."""
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType(f"grant_type must be one of {', '.join(GRANTS)}.")
    # ASVS 5.0 10.4.4.
    if not request.client.allows_grant_type(grant_type):
        raise UnauthorizedClient(f"This client is not registered for the grant type {grant_type}.")
    return _try_fast(grant, request) or _issue(grant, request)


def _try_fast(grant: Grant, request: GrantRequest) -> Issuance | None:
    return grant.try_fast(request) if conf.FAST_PATH and grant.try_fast else None


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


__all__ = ["GRANTS", "Grant", "GrantRequest", "Issuance", "run"]
