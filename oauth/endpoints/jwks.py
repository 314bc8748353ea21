"""The JWK Set endpoint (RFC 7517 §5)."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from oauth import keys
from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.endpoints.published import Document, document

# The latest JWK Set and the document built from it.
_made: tuple[dict[str, Any], Document] | None = None


class JWKSEndpoint(ProtocolEndpoint):
    endpoint = "jwks"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return _document(keys.published_jwks()).response(request)


def _document(jwks: dict[str, Any]) -> Document:
    global _made
    made = _made
    if made is None or made[0] is not jwks:
        # A new key is published for longer than this before it signs.
        seconds = int(conf.KEY_CACHE_LIFETIME.total_seconds())
        made = _made = (jwks, document(jwks, max_age_seconds=seconds, content_type="application/jwk-set+json"))
    return made[1]
