"""The UserInfo endpoint (OpenID Connect Core §5.3): what the person allowed the client to know about them."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.exceptions import TokenError

from oauth import errors, parameters, user_claims
from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.resource_server.authentication import presented_token, require_possession, verify_access_token
from oauth.resource_server.challenges import InsufficientScope, InvalidRequest, InvalidToken, NoToken
from oauth.tokens import liveness, subject
from oauth.tokens.access_token import AccessToken
from oauth.tokens.signing import SigningBackend


class UserInfoEndpoint(ProtocolEndpoint):
    """A resource of the authorization server itself, so revocation counts at once. Errors are RFC 6750's."""

    endpoint = "userinfo"
    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            token = _access_token(request)
            authorization = liveness.find(token.claims.authorization_id) if token.claims.authorization_id else None
            if authorization is None or not liveness.counts(authorization):
                raise InvalidToken("The access token is not valid.")
            if "openid" not in token.claims.scopes:
                raise InsufficientScope(["openid"])
        except APIException as refusal:
            self.timer.outcome = str(refusal.default_code)
            return _refuse(refusal)
        client, user = authorization.client, authorization.user
        claims = user_claims.released(user, token.claims.scopes, authorization.claims.get("userinfo", []))
        claims |= {"sub": subject.of(client, user.pk)}
        if not client.userinfo_signed_response_alg:
            return JsonResponse(claims)
        # §5.3.2: a signed answer says from whom and for whom it is.
        signed = SigningBackend(typ="JWT", algorithm=client.userinfo_signed_response_alg).encode(
            {**claims, "iss": conf.ISSUER, "aud": client.client_id}
        )
        return HttpResponse(signed, content_type="application/jwt")

    post = get


def _access_token(request: HttpRequest) -> AccessToken:
    """Verified, with the proof of its key where it is bound. Raises an APIException with its challenge."""
    presented = _presented(request)
    if presented is None:
        raise NoToken
    scheme, raw = presented
    try:
        token = verify_access_token(raw, audiences=(*conf.RESOURCES, conf.ISSUER))
    except TokenError as error:
        raise InvalidToken(str(error)) from error
    require_possession(request, scheme, token, url=conf.url("/oauth/userinfo"))
    return token


def _presented(request: HttpRequest) -> tuple[str, bytes] | None:
    """Of the header, or of a form (RFC 6750 §2.2), never of the URL. Raises InvalidRequest where both are sent."""
    in_header = presented_token(request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace"))
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return in_header
    try:
        in_body = parameters.from_body(request).get("access_token")
    except errors.InvalidRequest as error:
        raise InvalidRequest(error.description) from error
    if in_header is not None and in_body is not None:
        raise InvalidRequest("Send the access token once: in the header or in the body.")
    return in_header if in_body is None else ("bearer", in_body.encode("latin-1", "replace"))


def _refuse(refusal: APIException) -> JsonResponse:
    """RFC 6750 §3, RFC 9449 §7.1."""
    body = {"error": refusal.default_code, "error_description": str(refusal.detail)}
    response = JsonResponse(body, status=refusal.status_code)
    response["WWW-Authenticate"] = refusal.auth_header  # type: ignore[attr-defined]
    return response
