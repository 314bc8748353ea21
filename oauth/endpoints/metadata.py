"""Authorization Server Metadata (RFC 8414) and OpenID Connect Discovery, with the same content at both URLs.

Lists only what the server supports. URLs are below the issuer and do not depend on the Host header.
"""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from oauth import addresses
from oauth.algorithms import CLIENT_SIGNING_ALGORITHMS, SIGNING_ALGORITHMS, STRONG_SIGNING_ALGORITHMS
from oauth.authorize import grant_management, response_modes
from oauth.authorize.request.prompt import DISPLAYS, PROMPTS
from oauth.authorize.request.response_type import supported_response_types
from oauth.clients.registration.metadata import subject_types
from oauth.conf import conf
from oauth.endpoints import published
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.endpoints.published import Document
from oauth.infrastructure.caches import until_cleared
from oauth.infrastructure.language_tags import language_tag
from oauth.models.client import AuthenticationMethod, DeliveryMode, authentication, grant_types
from oauth.models.scope import SCOPE_OF_CLAIM


class MetadataEndpoint(ProtocolEndpoint):
    endpoint = "metadata"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, issuer_path: str = "") -> HttpResponse:
        """`issuer_path` is the part after the well-known path (RFC 8414 §3.1). Without it, the response is about this
        site's only issuer.
        """
        if issuer_path and f"/{issuer_path}" != conf.issuer_path:
            raise Http404
        return _published().response(request)


@until_cleared
def _published() -> Document:
    return published.document(document(), max_age_seconds=300)


def document() -> dict[str, Any]:
    methods = authentication.offered()
    proven = [method for method in methods if method != AuthenticationMethod.NONE]
    response_types = supported_response_types()
    mutual_tls: dict[str, Any] = {}
    if conf.CLIENT_CERTIFICATE:
        mutual_tls["tls_client_certificate_bound_access_tokens"] = True
        if aliases := addresses.aliases():
            mutual_tls["mtls_endpoint_aliases"] = aliases  # RFC 8705 §5
    return {
        **mutual_tls,
        "issuer": conf.ISSUER,
        **addresses.published(),
        "scopes_supported": list(conf.SCOPES),
        "response_types_supported": response_types,
        "response_modes_supported": sorted({mode for one in response_types for mode in response_modes.offered(one)}),
        "grant_types_supported": grant_types.offered(),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": list(CLIENT_SIGNING_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": list(CLIENT_SIGNING_ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": proven,
        "introspection_endpoint_auth_signing_alg_values_supported": list(CLIENT_SIGNING_ALGORITHMS),
        "introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_details_types_supported": list(conf.AUTHORIZATION_DETAILS_TYPES),
        "grant_management_actions_supported": ["query", "revoke", *grant_management.ACTIONS],
        "grant_management_action_required": False,
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "require_signed_request_object": False,
        "request_object_signing_alg_values_supported": list(CLIENT_SIGNING_ALGORITHMS),
        "authorization_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "dpop_signing_alg_values_supported": list(STRONG_SIGNING_ALGORITHMS),
        "subject_types_supported": subject_types(),
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "acr_values_supported": list(conf.ACR_VALUES),
        "prompt_values_supported": sorted(PROMPTS),
        "display_values_supported": sorted(DISPLAYS),
        "ui_locales_supported": [language_tag(code) for code, _ in settings.LANGUAGES],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid"),
            *SCOPE_OF_CLAIM,
        ],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,
        "backchannel_token_delivery_modes_supported": list(DeliveryMode.values),
        "backchannel_authentication_request_signing_alg_values_supported": list(CLIENT_SIGNING_ALGORITHMS),
        "backchannel_user_code_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "client_id_metadata_document_supported": conf.ALLOW_CLIENT_ID_METADATA_DOCUMENTS,
        "protected_resources": list(conf.RESOURCES),
    }
