"""The client credentials grant (RFC 6749 §4.4): the client acts on its own behalf. Writes no row."""

from oauth.errors import UnauthorizedClient
from oauth.grants import issuance
from oauth.grants.issuance import GrantRequest, Issuance


def client_credentials(request: GrantRequest) -> Issuance:
    if request.client.is_public:
        raise UnauthorizedClient("A public client cannot use client_credentials (RFC 6749 §4.4).")
    if not request.client.is_live:
        # A token without a user cannot be limited to sandbox users.
        raise UnauthorizedClient("This app is not live yet. It can use client_credentials once staff have approved it.")
    return issuance.issue_to_client(request)
