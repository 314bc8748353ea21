"""Authorization Server Metadata (RFC 8414) and OpenID Connect Discovery: the same facts at both addresses.

Says exactly what works. URLs are made from the issuer, never from the Host header.
"""

from typing import Any

from django.http import HttpRequest, JsonResponse

from oauth.authorization.authentication_context import ACR_MULTI_FACTOR, ACR_PASSWORD
from oauth.authorization.request import PROMPTS
from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.grants import GRANTS
from oauth.models.client import AuthenticationMethod


class MetadataEndpoint(ProtocolEndpoint):
    endpoint = "metadata"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> JsonResponse:
        response = JsonResponse(document())
        response["Cache-Control"] = "public, max-age=300"
        return response


def document() -> dict[str, Any]:
    return {
        "issuer": conf.ISSUER,
        "authorization_endpoint": conf.url("/oauth/authorize"),
        "token_endpoint": conf.url("/oauth/token"),
        "device_authorization_endpoint": conf.url("/oauth/device_authorization"),
        "revocation_endpoint": conf.url("/oauth/revoke"),
        "introspection_endpoint": conf.url("/oauth/introspect"),
        "userinfo_endpoint": conf.url("/oauth/userinfo"),
        "registration_endpoint": conf.url("/oauth/register"),
        "jwks_uri": conf.url("/oauth/jwks"),
        "scopes_supported": list(conf.SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": list(AuthenticationMethod.values),
        "revocation_endpoint_auth_methods_supported": list(AuthenticationMethod.values),
        "introspection_endpoint_auth_methods_supported": [
            method for method in AuthenticationMethod.values if method != AuthenticationMethod.NONE
        ],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [conf.ID_TOKEN_SIGNING_ALGORITHM],
        "acr_values_supported": [ACR_PASSWORD, ACR_MULTI_FACTOR],
        "prompt_values_supported": sorted(PROMPTS),
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "azp",
            "sid",
            "name",
            "email",
            "email_verified",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "protected_resources": list(conf.RESOURCES),
    }
