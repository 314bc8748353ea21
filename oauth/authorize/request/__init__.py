"""The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1): one file for each set of rules.

First, `clients.lookup` and `return_address` check the client and its redirect URI: their errors are shown to the user
and never redirected (RFC 9700 §4.11). Then `parse` checks all other parameters; its errors go to the client. A pushed
request (RFC 9126) is checked in the same way.
"""

from oauth.authorize.request.authorization_request import AuthorizationRequest
from oauth.authorize.request.parsing import parse
from oauth.authorize.request.resource import requested_resources
from oauth.authorize.request.return_address import ReturnAddress, return_address
from oauth.authorize.request.scope import requested_scopes

__all__ = [
    "AuthorizationRequest",
    "ReturnAddress",
    "parse",
    "requested_resources",
    "requested_scopes",
    "return_address",
]
