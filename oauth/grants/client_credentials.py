"""The client credentials grant (RFC 6749 §4.4): a client acts for itself. No row is written."""

from oauth.errors import UnauthorizedClient
from oauth.grants import issuance
from oauth.grants.issuance import GrantRequest, Issuance


def client_credentials(request: GrantRequest) -> Issuance:
    if request.client.is_public:
        raise UnauthorizedClient("A public client cannot act for itself (RFC 6749 §4.4).")
    if not request.client.is_live:
        # Such a token has no user, so it could not be limited to the sandbox.
        raise UnauthorizedClient("This app is not live yet. It can act for itself once staff have approved it.")
    return issuance.issue_to_client(request)
