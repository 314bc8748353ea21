"""Client authentication (RFC 6749 §2.3): the same for every endpoint that a client calls.

`read(request, params) -> Credentials`, then `verify(credentials) -> Client`, or `InvalidClient`. One statement for a
signed assertion, none for a secret, and one more where the client has not been seen for a few seconds.
"""

from oauth.clients.authentication.authenticate import Credentials, read, verify
from oauth.clients.cache import is_known

__all__ = ["Credentials", "is_known", "read", "verify"]
