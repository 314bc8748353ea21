"""The URLs of django-oauth-toolkit, for clients that still use them after a migration to this server:

    path("o/", include("oauth.endpoints.dot_addresses"))

Such clients also send the old names of scopes. Only at these URLs, old names are replaced as in the import's mapping.
Authorization requests are redirected to this server's endpoint. Responses have this server's issuer, tokens and names
of scopes.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.views.generic import RedirectView

from oauth import parameters
from oauth.endpoints.device_authorization import DeviceAuthorizationEndpoint
from oauth.endpoints.introspection import IntrospectionEndpoint
from oauth.endpoints.jwks import JWKSEndpoint
from oauth.endpoints.revocation import RevocationEndpoint
from oauth.endpoints.token import TokenEndpoint
from oauth.endpoints.userinfo import UserInfoEndpoint
from oauth.infrastructure.own_login import without_login_middleware
from oauth.models import DotImport


class _Token(TokenEndpoint):
    def post(self, request: HttpRequest) -> HttpResponse:
        _rename_in_body(request)
        return super().post(request)


class _DeviceAuthorization(DeviceAuthorizationEndpoint):
    def post(self, request: HttpRequest) -> JsonResponse:
        _rename_in_body(request)
        return super().post(request)


class _Authorize(RedirectView):
    http_method_names = ["get", "head"]

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        return f"{reverse('oauth:authorize')}?{_renamed(self.request.META.get('QUERY_STRING', ''))}"


def _rename_in_body(request: HttpRequest) -> None:
    """Replaces the scopes in the body before the endpoint reads it. Raises InvalidRequest or RequestTooLarge."""
    if request.content_type == "application/x-www-form-urlencoded":
        body = parameters.read_body(request).decode("latin-1")
        request._body = _renamed(body).encode("latin-1")  # Django's cache of `body`


def _renamed(encoded: str) -> str:
    """The form or query with this server's scopes. Unchanged if it has no scope or is malformed."""
    if "scope=" not in encoded:
        return encoded
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=parameters.MAX_FIELDS)
    except ValueError:
        return encoded
    return urlencode([(name, _new_scopes(value) if name == "scope" else value) for name, value in pairs])


def _new_scopes(asked: str) -> str:
    """If several imports map a scope, the newest one applies. If the mapping drops all scopes, returns the old ones,
    which are refused, because a refresh without a scope would get all scopes.
    """
    mapped: dict[str, list[str]] = {}
    for scopes in DotImport.objects.order_by("started_at").values_list("scopes", flat=True):
        mapped |= scopes
    return " ".join(dict.fromkeys(new for old in asked.split() for new in mapped.get(old, [old]))) or asked


urlpatterns = without_login_middleware(
    [
        path("token/", _Token.as_view()),
        path("authorize/", _Authorize.as_view()),
        path("revoke_token/", RevocationEndpoint.as_view()),
        path("introspect/", IntrospectionEndpoint.as_view()),
        path("userinfo/", UserInfoEndpoint.as_view()),
        path("device-authorization/", _DeviceAuthorization.as_view()),
        path(".well-known/jwks.json", JWKSEndpoint.as_view()),
    ]
)
