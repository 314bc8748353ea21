"""Client authentication (RFC 6749 §2.3), the same at every endpoint.

`read_credentials(request, params) -> Credentials`, then `verify(credentials) -> Client`, or `InvalidClient`. An
assertion needs one database query, a secret none; a client that is not cached needs one more. Other apps add methods by
subclassing `ExtensionMethod`.
"""

from oauth.clients.authentication.assertion import UsedBefore
from oauth.clients.authentication.authenticate import Credentials, read_credentials, verify
from oauth.clients.authentication.extension import ExtensionMethod
from oauth.clients.cache import is_known

__all__ = ["Credentials", "ExtensionMethod", "UsedBefore", "is_known", "read_credentials", "verify"]
