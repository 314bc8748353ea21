"""Client authentication (RFC 6749 §2.3): the same for every endpoint that a client calls.

`authenticate(request, params) -> ClientAuthentication`, or `InvalidClient`. One statement.
"""

from oauth.client_authentication.authenticate import ClientAuthentication, authenticate

__all__ = ["ClientAuthentication", "authenticate"]
