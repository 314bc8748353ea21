"""A DRF view whose handlers get a `TokenRequest`.

The package's `__init__` must not import this module, because `rest_framework.views` reads settings that name classes of
the package.
"""

from typing import Any

from django.http import HttpRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from oauth.resource_server.asked import asked_resource
from oauth.resource_server.challenges import Refusal
from oauth.resource_server.jwt_bearer import JWTBearer
from oauth.resource_server.permissions import HasScope
from oauth.resource_server.request import TokenRequest


class TokenView(APIView):
    """Uses `JWTBearer` and `HasScope` for every method. Subclasses must set `required_scopes`."""

    authentication_classes = [JWTBearer]
    permission_classes = [HasScope]

    def handle_exception(self, exc: Exception) -> Response:
        """Makes refusals raised by the view name the metadata of this API, too (RFC 9728 §5.1)."""
        if isinstance(exc, Refusal):
            exc.resource = asked_resource(self.request._request)
        return super().handle_exception(exc)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> TokenRequest:
        return TokenRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )
