"""The client registry (RFC 6749 §2, RFC 7591): one file for the fields and properties of each capability.

`model.Client` combines them, and `rules` refuses invalid combinations. `grant_types` and `authentication` include what
other apps register. `site` has the settings that they need. Imports what `models` may import.
"""

from oauth.models.client.authentication import CERTIFICATE_NAME_KINDS, AuthenticationMethod
from oauth.models.client.grant_types import GrantType
from oauth.models.client.kind import Kind
from oauth.models.client.model import Client, ExchangePolicy, new_client_id
from oauth.models.client.openid_connect import DeliveryMode, SubjectType
from oauth.models.client.queries import clients_updated, identity_changed
from oauth.models.client.redirect_uris import ignores_port, is_loopback, validate_redirect_uri
from oauth.models.client.security_profile import SecurityProfile

__all__ = [
    "CERTIFICATE_NAME_KINDS",
    "AuthenticationMethod",
    "Client",
    "DeliveryMode",
    "ExchangePolicy",
    "GrantType",
    "Kind",
    "SecurityProfile",
    "SubjectType",
    "clients_updated",
    "identity_changed",
    "ignores_port",
    "is_loopback",
    "new_client_id",
    "validate_redirect_uri",
]
