"""Client authentication (RFC 6749 §2.3): the same for every endpoint that a client calls.

`read_credentials(request, params) -> Credentials`, then `verify(credentials) -> Client`, or `InvalidClient`. An
assertion costs one database query, a secret none. A client that is not in the cache costs one more. `ExtensionMethod`
is for methods of other apps.
"""

from oauth.clients.authentication.assertion import UsedBefore
from oauth.clients.authentication.authenticate import Credentials, read_credentials, verify
from oauth.clients.authentication.extension import ExtensionMethod
from oauth.clients.cache import is_known

__all__ = ["Credentials", "ExtensionMethod", "UsedBefore", "is_known", "read_credentials", "verify"]
