"""The OpenAPI document and the page to read and try it.

drf-spectacular serves both and its sidecar holds the page's assets; what the operations are, `operations` says: money
and problems are stricter than what can be read off serializers.
"""

import re
from typing import Any

from django.conf import settings
from django.urls import URLPattern, reverse
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api.openapi.components import SCHEMAS, Schema
from banking.api.openapi.operations import HEADER_COMPONENTS, OPERATIONS, described

_INTRODUCTION = """
Ask for access with OAuth 2.1: the authorization code with PKCE, tokens that live for minutes, DPoP where you can.
Amounts are integers in minor units. Errors are [problems](https://www.rfc-editor.org/rfc/rfc9457) whose `code` stays.
"""


def document() -> Schema:
    from banking.api.urls import urlpatterns

    paths: Schema = {}
    for pattern in urlpatterns:
        if not isinstance(pattern, URLPattern) or not pattern.name or not str(pattern.pattern).startswith("api/v1/"):
            continue
        view: Any = pattern.callback.cls  # type: ignore[attr-defined]  # (what DRF makes of a view)
        route = str(pattern.pattern).removeprefix("api/v1")
        names = re.findall(r"<str:(\w+)>", route)
        path = re.sub(r"<str:(\w+)>", r"{\1}", route)
        for method in ("GET", "POST", "DELETE"):
            if (method, pattern.name) in OPERATIONS:
                operation = described(method, pattern.name, list(view.required_scopes[method]), names)
                paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bank API", "version": "1", "description": _INTRODUCTION.strip()},
        "servers": [{"url": f"{settings.ISSUER}/api/v1"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "headers": HEADER_COMPONENTS, "securitySchemes": {"oauth2": _security()}},
    }


def _security() -> Schema:
    scopes = {name: sentence for name, sentence in settings.OAUTH["SCOPES"].items() if ":" in name}
    issuer = settings.ISSUER
    return {
        "type": "oauth2",
        "description": f"All there is to know is at {issuer}/.well-known/oauth-authorization-server.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": f"{issuer}/oauth/authorize",
                "tokenUrl": f"{issuer}/oauth/token",
                "refreshUrl": f"{issuer}/oauth/token",
                "scopes": scopes,
            }
        },
    }


class OpenAPIDocument(SpectacularAPIView):
    """GET /api/schema, for everybody."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = [AllowAny]
    throttle_classes: list[Any] = []
    renderer_classes = [OpenApiJsonRenderer]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(document())


class APIDocs(SpectacularSwaggerSplitView):
    """GET /api/docs. “Authorize” runs the authorization code with PKCE against this very server."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = [AllowAny]
    throttle_classes: list[Any] = []
    url = "/api/schema"
    title = "Bank API"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer: Response = super().get(request, *args, **kwargs)
        if "script" in request.query_params:
            answer.data |= {
                "settings": self._dump(
                    {
                        "deepLinking": True,
                        "persistAuthorization": False,
                        "oauth2RedirectUrl": f"{settings.ISSUER}{reverse('api-docs-redirect')}",
                    }
                ),
                "oauth2_config": self._dump(
                    {"clientId": settings.API_DOCS_CLIENT_ID, "usePkceWithAuthorizationCodeGrant": True}
                ),
            }
        else:
            # Swagger UI styles its elements as it goes; scripts stay those of this site.
            answer._csp_update = {"style-src": ["'unsafe-inline'"]}  # type: ignore[attr-defined]
        return answer
