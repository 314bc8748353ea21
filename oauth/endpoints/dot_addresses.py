"""The addresses of django-oauth-toolkit, for clients that keep them after a move to this server:

    path("o/", include("oauth.endpoints.dot_addresses"))

Authorization requests are redirected to this server's page. The answers are this server's: its issuer, its tokens.
"""

from django.urls import path
from django.views.generic import RedirectView

from oauth.endpoints.device_authorization import DeviceAuthorizationEndpoint
from oauth.endpoints.introspection import IntrospectionEndpoint
from oauth.endpoints.jwks import JWKSEndpoint
from oauth.endpoints.revocation import RevocationEndpoint
from oauth.endpoints.token import TokenEndpoint
from oauth.endpoints.userinfo import UserInfoEndpoint


class _Authorize(RedirectView):
    url = "/oauth/authorize"
    query_string = True
    http_method_names = ["get", "head"]


urlpatterns = [
    path("token/", TokenEndpoint.as_view()),
    path("authorize/", _Authorize.as_view()),
    path("revoke_token/", RevocationEndpoint.as_view()),
    path("introspect/", IntrospectionEndpoint.as_view()),
    path("userinfo/", UserInfoEndpoint.as_view()),
    path("device-authorization/", DeviceAuthorizationEndpoint.as_view()),
    path(".well-known/jwks.json", JWKSEndpoint.as_view()),
]
