"""The UserInfo endpoint (OpenID Connect Core §5.3): claims that the user allowed the client to read."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from oauth.conf import conf
from oauth.endpoints.own_resource import access_token, answers_refusals
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.grants import entitlement
from oauth.resource_server.challenges import InsufficientScope, InvalidToken
from oauth.status import liveness
from oauth.tokens import subject, user_claims
from oauth.tokens.signing import signer


class UserInfoEndpoint(ProtocolEndpoint):
    """Checks the authorization at each request, so a revocation takes effect immediately. Errors: RFC 6750."""

    endpoint = "userinfo"
    http_method_names = ["get", "head", "post"]

    @answers_refusals
    def get(self, request: HttpRequest) -> HttpResponse:
        token = access_token(request)
        authority = liveness.authority(token.claims)
        if authority is None or authority.authorization is None:
            raise InvalidToken("The access token is not valid.")
        # ASVS 5.0 10.4.11: not the claims of a scope that was taken from the client since.
        scopes = authority.still_allowed(token.claims.scopes)
        if "openid" not in scopes:
            raise InsufficientScope(["openid"])
        client, user = authority.client, authority.authorization.user
        # Individually requested claims (§5.5) are only for the client that the user allowed, not for one that exchanged
        # a token.
        names = authority.authorization.claims.get("userinfo", []) if authority.is_of_the_allowed_client else []
        names = entitlement.claim_names(names, client)
        claims = user_claims.released(user, scopes, names, source=conf.USER_CLAIMS)
        claims |= {"sub": subject.identifier(client, user.pk, pairwise_key=conf.PAIRWISE_SUBJECT_KEY)}
        if not client.userinfo_signed_response_alg:
            return JsonResponse(claims)
        # §5.3.2: a signed response must have `iss` and `aud`.
        signed = signer(typ="JWT", algorithm=client.userinfo_signed_response_alg).encode(
            {**claims, "iss": conf.ISSUER, "aud": client.client_id}
        )
        return HttpResponse(signed, content_type="application/jwt")

    post = get
