"""The UserInfo endpoint (OpenID Connect Core §5.3): what the person allowed the client to know about them."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from oauth import errors, parameters, user_claims
from oauth.conf import conf
from oauth.endpoints import presented_token
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.resource_server.authentication import bearer_token
from oauth.resource_server.challenges import InvalidRequest, challenge
from oauth.tokens import subject
from oauth.tokens.signing import SigningBackend


class UserInfoEndpoint(ProtocolEndpoint):
    """A resource of the authorization server itself, so revocation counts at once. Errors are RFC 6750's."""

    endpoint = "userinfo"
    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            raw = _token(request)
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
        authorization = token.authorization
        client, user = authorization.client, authorization.user
        claims = user_claims.released(user, token.scopes, authorization.claims.get("userinfo", []))
        claims |= {"sub": subject.of(client, user.pk)}
        if not client.userinfo_signed_response_alg:
            return JsonResponse(claims)
        # §5.3.2: a signed answer says from whom and for whom it is.
        signed = SigningBackend(typ="JWT", algorithm=client.userinfo_signed_response_alg).encode(
            {**claims, "iss": conf.ISSUER, "aud": client.client_id}
        )
        return HttpResponse(signed, content_type="application/jwt")

    post = get


def _token(request: HttpRequest) -> bytes | None:
    """Of the header, or of a form (RFC 6750 §2.2), never of the URL. Raises InvalidRequest where both are sent."""
    in_header = bearer_token(request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace"))
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return in_header
    try:
        in_body = parameters.from_body(request).get("access_token")
    except errors.InvalidRequest as error:
        raise InvalidRequest(error.description) from error
    if in_header is not None and in_body is not None:
        raise InvalidRequest("Send the access token once: in the header or in the body.")
    return in_header if in_body is None else in_body.encode("latin-1", "replace")


def _refuse(status: int, **parameters: str) -> JsonResponse:
    """RFC 6750 §3; without a token, no error code (§3.1)."""
    body = {name: value for name, value in parameters.items() if name.startswith("error")}
    response = JsonResponse(
        body or {"error": "invalid_token", "error_description": "An access token is needed."}, status=status
    )
    response["WWW-Authenticate"] = challenge(**parameters)
    return response
