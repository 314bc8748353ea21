"""The UserInfo endpoint (OpenID Connect Core §5.3): what the person allowed the client to know about them."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string

from oauth.conf import conf
from oauth.endpoints import presented_token
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.resource_server.authentication import bearer_token
from oauth.resource_server.challenges import InvalidRequest, challenge


class UserInfoEndpoint(ProtocolEndpoint):
    """A resource of the authorization server itself, so revocation counts at once. Errors are RFC 6750's."""

    endpoint = "userinfo"
    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            raw = bearer_token(request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace"))
        except InvalidRequest as error:
            return _refuse(400, error="invalid_request", error_description=str(error.detail))
        if raw is None:
            return _refuse(401)
        token = presented_token.find(raw.decode("latin-1"))
        if token is None or not token.is_active or token.token_type is None or token.authorization is None:
            return _refuse(401, error="invalid_token", error_description="The access token is not valid.")
        if "openid" not in token.scopes:
            return _refuse(
                403, error="insufficient_scope", error_description="This needs the scope openid.", scope="openid"
            )
        claims: dict[str, Any] = import_string(conf.USER_CLAIMS)(token.authorization.user, token.scopes)
        return JsonResponse({"sub": token.claims["sub"], **claims})

    post = get


def _refuse(status: int, **parameters: str) -> JsonResponse:
    """RFC 6750 §3; without a token, no error code (§3.1)."""
    body = {name: value for name, value in parameters.items() if name.startswith("error")}
    response = JsonResponse(
        body or {"error": "invalid_token", "error_description": "An access token is needed."}, status=status
    )
    response["WWW-Authenticate"] = challenge(**parameters)
    return response
