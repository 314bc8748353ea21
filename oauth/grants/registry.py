"""The grant types of the token endpoint: how each is run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oauth.grants import authorization_code, refresh_token
from oauth.grants.ciba import ciba
from oauth.grants.client_credentials import client_credentials
from oauth.grants.device_code import device_code
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.grants.token_exchange import token_exchange
from oauth.models.client import GrantType


@dataclass(frozen=True, slots=True)
class Grant:
    issue: Callable[[GrantRequest], Issuance]
    #: The same rules without a lock to wait for; None if the request must be decided by `issue`.
    try_fast: Callable[[GrantRequest], Issuance | None] | None = None
    #: A grant that consumes nothing and writes nothing has no transaction to begin and to commit.
    is_transactional: bool = True


GRANTS: Mapping[str, Grant] = {
    GrantType.AUTHORIZATION_CODE: Grant(authorization_code.grant.under_lock, authorization_code.grant.try_fast),
    GrantType.REFRESH_TOKEN: Grant(refresh_token.grant.under_lock, refresh_token.grant.try_fast),
    GrantType.CLIENT_CREDENTIALS: Grant(client_credentials, is_transactional=False),
    GrantType.DEVICE_CODE: Grant(device_code),
    GrantType.TOKEN_EXCHANGE: Grant(token_exchange),
    GrantType.CIBA: Grant(ciba),
}
