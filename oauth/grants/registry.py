"""The grant types of the token endpoint: ours and those of other apps (`extension`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oauth.grants import authorization_code, ciba, device_code, refresh_token
from oauth.grants.client_credentials import client_credentials
from oauth.grants.extension import ExtensionGrant
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.grants.token_exchange import token_exchange
from oauth.infrastructure import extensions
from oauth.infrastructure.caches import until_cleared
from oauth.models.client import GrantType
from oauth.models.client.site import site


@dataclass(frozen=True, slots=True)
class Grant:
    issue: Callable[[GrantRequest], Issuance]
    #: Decides without a lock; returns None if `issue` must decide.
    try_fast: Callable[[GrantRequest], Issuance | None] | None = None
    #: False for a grant that writes nothing and so needs no transaction.
    is_transactional: bool = True
    #: Whether public clients may use the grant. Our own grants check this themselves.
    allows_public_clients: bool = True


_OURS: Mapping[str, Grant] = {
    GrantType.AUTHORIZATION_CODE: Grant(authorization_code.grant.under_lock, authorization_code.grant.try_fast),
    GrantType.REFRESH_TOKEN: Grant(refresh_token.grant.under_lock, refresh_token.grant.try_fast),
    GrantType.CLIENT_CREDENTIALS: Grant(client_credentials, is_transactional=False),
    GrantType.DEVICE_CODE: Grant(device_code.grant.issue),
    GrantType.TOKEN_EXCHANGE: Grant(token_exchange),
    GrantType.CIBA: Grant(ciba.grant.issue),
}


@until_cleared
def named(grant_type: str) -> Grant | None:
    if grant_type in _OURS:
        return _OURS[grant_type]
    path = site.values.grant_types.get(grant_type)
    if path is None:
        return None
    extension: ExtensionGrant = extensions.instance(path)
    return Grant(extension.issue, allows_public_clients=extension.allows_public_clients)


def names() -> list[str]:
    return [*_OURS, *site.values.grant_types]
