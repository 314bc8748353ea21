"""The OpenAPI document, and the page to read and try it. drf-spectacular serves both, and its sidecar holds the page's
assets."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api import changes
from banking.api.openapi.schema import HEADERS
from banking.api.openapi.types import Schema
from banking.second_bank import SecondBank
from banking.second_bank.amounts import NAMED


@cache
def document() -> Schema:
    """The document. It is the same for everybody and depends only on the code and the settings."""
    from banking.api.urls import urlpatterns

    patterns = [pattern for pattern in urlpatterns if str(pattern.pattern).startswith("api/v1/")]
    generated: Schema = SchemaGenerator(patterns=patterns).get_schema(public=True)
    generated["components"]["headers"] = HEADERS
    if settings.PAYMENT_SCHEME and import_string(settings.PAYMENT_SCHEME) is SecondBank:
        generated["info"]["description"] += _of_second_bank()
    generated["info"]["version"] = changes.VERSION
    generated["externalDocs"] = {"description": "What has changed", "url": f"{settings.ISSUER}{changes.PATH}"}
    return generated


def _of_second_bank() -> str:
    rows = "\n".join(f"| {ending} | {one.what} |" for ending, one in NAMED.items())
    return (
        "\n\nThis is a sandbox: all other banks are one simulated bank. What it does with a payment depends on the "
        "last four digits of its amount in minor units. It accepts any other amount at once.\n\n"
        f"| amount ends in | the second bank |\n| --- | --- |\n{rows}"
    )


def operations_by_tag() -> dict[str, list[tuple[str, str, str]]]:
    """Method, path and summary of each operation."""
    listed: dict[str, list[tuple[str, str, str]]] = {}
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            listed.setdefault(operation["tags"][0], []).append((method.upper(), path, operation["summary"]))
    return listed


class OpenAPIDocument(SpectacularAPIView):
    """GET /api/schema, for everybody."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = [AllowAny]
    throttle_classes: list[Any] = []
    renderer_classes = [OpenApiJsonRenderer, JSONRenderer]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(document())


@require_safe
def api_changes(request: HttpRequest) -> HttpResponse:
    """GET /api/changes, for everybody: the changelog of the API."""
    return HttpResponse(changes.markdown(), content_type="text/markdown; charset=utf-8")


class APIDocs(SpectacularSwaggerSplitView):
    """GET /api/docs. “Authorize” runs the authorization code flow with PKCE against this server. The page lists the
    operations, and a script replaces the list with Swagger UI after the first paint.
    """

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
                        "oauth2RedirectUrl": f"{settings.ORIGIN}{reverse('api-docs-redirect')}",
                    }
                ),
                "oauth2_config": self._dump(
                    {"clientId": settings.API_DOCS_CLIENT_ID, "usePkceWithAuthorizationCodeGrant": True}
                ),
            }
        else:
            answer.data["operations_by_tag"] = operations_by_tag()
            # Swagger UI sets styles on its elements, so inline styles are allowed. Only scripts of this site are
            # allowed.
            answer._csp_update = {"style-src": ["'unsafe-inline'"]}  # type: ignore[attr-defined]  # django-csp reads it
        return answer
