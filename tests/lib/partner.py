"""Minimal extensions that another Django app registers with `oauth`: a grant type, a client authentication method."""

import hashlib
import hmac
from typing import Any

import jwt
from django.http import HttpRequest

from oauth.authorization_details import DetailsType
from oauth.clients.authentication import ExtensionMethod
from oauth.conf import conf
from oauth.errors import InvalidClient, InvalidGrant
from oauth.grants import ExtensionGrant, GrantRequest, Issuance, issuance
from oauth.models import Authorization, Client
from oauth.parameters import Parameters

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAC = "partner_mac"
REGISTERED = {
    "GRANT_TYPES": {JWT_BEARER: "tests.lib.partner.JWTBearer"},
    "CLIENT_AUTHENTICATION_METHODS": {MAC: "tests.lib.partner.PartnerMAC"},
}
_KEY = b"a key that this site and its partner share"


class JWTBearer(ExtensionGrant):
    """RFC 7523 §2.1: a partner's assertion names a user who has allowed the client."""

    label = "Assertion of a partner"
    is_registrable = True

    def issue(self, request: GrantRequest) -> Issuance:
        try:
            claims = jwt.decode(request.params.require("assertion"), _KEY, algorithms=["HS256"], audience=conf.ISSUER)
        except jwt.InvalidTokenError:
            raise InvalidGrant("The assertion is not valid.") from None
        allowed = Authorization.objects.live().select_for_update(of=("self",)).select_related("user", "client")
        authorization = allowed.filter(user__email=claims["sub"], client=request.client).first()
        if authorization is None:
            raise InvalidGrant("This user has not allowed the client.")
        return issuance.issue_to_user(request, authorization)


def assertion(email: str, audience: str = "") -> str:
    return jwt.encode({"sub": email, "aud": audience or conf.ISSUER}, _KEY, algorithm="HS256")


class PartnerMAC(ExtensionMethod):
    """A header holds the client_id and a MAC over it."""

    label = "MAC of a partner"

    def is_presented(self, request: HttpRequest, params: Parameters) -> bool:
        return "HTTP_PARTNER_MAC" in request.META

    def read_credentials(self, request: HttpRequest, params: Parameters) -> tuple[str, str]:
        client_id, _, proof = request.META["HTTP_PARTNER_MAC"].partition(" ")
        return client_id, proof

    def verify(self, proof: Any, client: Client) -> None:
        if not hmac.compare_digest(proof, mac(client.client_id)):
            raise InvalidClient("The Partner-MAC header is not valid.")


def mac(client_id: str) -> str:
    return hmac.new(_KEY, client_id.encode(), hashlib.sha256).hexdigest()


def mac_header(client_id: str) -> dict[str, str]:
    return {"Partner-MAC": f"{client_id} {mac(client_id)}"}


class Loan(DetailsType):
    """A details type whose author misspelt the schema."""

    schema = {"type": "objekt"}
