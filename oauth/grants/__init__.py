"""The grants: each one function (GrantRequest) -> Issuance, run inside one transaction.

Whatever a grant consumes is consumed exactly once, or nothing happened; a refusal that revokes something
(`OAuthError.commits`) is kept although the client is told an error.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext

from django.db import transaction

from oauth.conf import conf
from oauth.errors import OAuthError, UnauthorizedClient, UnsupportedGrantType
from oauth.grants.authorization_code import at_once as authorization_code_at_once
from oauth.grants.authorization_code import authorization_code
from oauth.grants.ciba import ciba
from oauth.grants.client_credentials import client_credentials
from oauth.grants.device_code import device_code
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.grants.refresh_token import at_once as refresh_token_at_once
from oauth.grants.refresh_token import refresh_token
from oauth.grants.token_exchange import token_exchange
from oauth.models.client import GrantType

GRANTS: Mapping[str, Callable[[GrantRequest], Issuance]] = {
    GrantType.AUTHORIZATION_CODE: authorization_code,
    GrantType.REFRESH_TOKEN: refresh_token,
    GrantType.CLIENT_CREDENTIALS: client_credentials,
    GrantType.DEVICE_CODE: device_code,
    GrantType.TOKEN_EXCHANGE: token_exchange,
    GrantType.CIBA: ciba,
}


# The usual case of those that consume something, without a lock to wait for; None where it is not the usual case.
AT_ONCE: Mapping[str, Callable[[GrantRequest], Issuance | None]] = {
    GrantType.AUTHORIZATION_CODE: authorization_code_at_once,
    GrantType.REFRESH_TOKEN: refresh_token_at_once,
}


def run(grant_type: str, request: GrantRequest) -> Issuance:
    """Raises UnsupportedGrantType, UnauthorizedClient (RFC 6749 §5.2), or what the grant raises."""
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType(f"The grant types of this server are {', '.join(GRANTS)}.")
    # ASVS 5.0 10.4.4.
    if not request.client.allows_grant_type(grant_type):
        raise UnauthorizedClient(f"This client is not registered for the grant type {grant_type}.")
    if conf.FAST_PATH and (at_once := AT_ONCE.get(grant_type)) and (issuance := at_once(request)):
        return issuance
    refusal: OAuthError
    # A client acting for itself consumes nothing and writes nothing: no transaction to begin and to commit.
    with nullcontext() if grant_type == GrantType.CLIENT_CREDENTIALS else transaction.atomic():
        try:
            return grant(request)
        except OAuthError as error:
            if not error.commits:
                raise
            refusal = error
    raise refusal


__all__ = ["GRANTS", "GrantRequest", "Issuance", "run"]
