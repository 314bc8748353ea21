"""The JWK Set of this server (RFC 7517 §5)."""

from django.http import HttpRequest, JsonResponse

from oauth import keys
from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint


class JWKSEndpoint(ProtocolEndpoint):
    endpoint = "jwks"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> JsonResponse:
        response = JsonResponse(keys.published_jwks())
        response["Content-Type"] = "application/jwk-set+json"
        # A new key is published this long before it signs.
        response["Cache-Control"] = f"public, max-age={int(conf.KEY_CACHE_LIFETIME.total_seconds())}"
        return response
