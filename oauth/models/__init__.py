"""The models of the authorization server. Only the SHA-256 hashes of codes and refresh tokens are stored.

Client -> Authorization (what a user allowed the client) -> AuthorizationCode, RefreshToken. Session is the login in
which the user allowed it. Imports only `algorithms`, `infrastructure` and `fast_path`.
"""

from oauth.models.audit_event import AuditEvent
from oauth.models.authorization import Authorization
from oauth.models.authorization_code import AuthorizationCode
from oauth.models.backchannel_request import BackchannelRequest
from oauth.models.branding import Branding
from oauth.models.client import Client
from oauth.models.client_logo import ClientLogo
from oauth.models.client_review import ClientReview
from oauth.models.device_code import DeviceCode
from oauth.models.dot_import import DotImport, ImportedClient
from oauth.models.imported_access_token import ImportedAccessToken
from oauth.models.initial_access_token import InitialAccessToken
from oauth.models.interaction import StoredInteraction
from oauth.models.new_redirect_host import NewRedirectHost
from oauth.models.pushed_request import PushedRequest
from oauth.models.refresh_token import RefreshToken
from oauth.models.refusal_count import RefusalCount
from oauth.models.refused_request import RefusedRequest
from oauth.models.remembered_consent import RememberedConsent
from oauth.models.sandbox_user import SandboxUser
from oauth.models.scope import Scope
from oauth.models.session import Session
from oauth.models.signing_key import SigningKey
from oauth.models.status import RevokedStatus
from oauth.models.used_assertion import UsedAssertion
from oauth.models.used_proof import UsedProof

__all__ = [
    "AuditEvent",
    "Authorization",
    "AuthorizationCode",
    "BackchannelRequest",
    "Branding",
    "Client",
    "ClientLogo",
    "ClientReview",
    "DeviceCode",
    "DotImport",
    "ImportedAccessToken",
    "ImportedClient",
    "InitialAccessToken",
    "NewRedirectHost",
    "PushedRequest",
    "RefreshToken",
    "RefusalCount",
    "RefusedRequest",
    "RememberedConsent",
    "RevokedStatus",
    "SandboxUser",
    "Scope",
    "Session",
    "SigningKey",
    "StoredInteraction",
    "UsedAssertion",
    "UsedProof",
]
