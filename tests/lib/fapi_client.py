"""A client as in the OpenID Foundation's FAPI 2.0 plans: private_key_jwt, pushed requests, DPoP; JAR and JARM."""

import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from django.test import Client as Browser

from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import SecurityProfile
from tests.lib.client_keys import ClientKey, by
from tests.lib.dpop import proof
from tests.lib.oauth_client import CHALLENGE, VERIFIER, decide
from tests.lib.relying_party import path, register

FORM = "application/x-www-form-urlencoded"
CALLBACK = "https://app.example/callback"
ACCOUNTS = f"{conf.ISSUER}/api/v1/accounts"
PAR = f"{conf.ISSUER}/oauth/par"


class FapiClient:
    """One client that registered itself, with two keys: it signs with one, and its tokens are bound to the other.

    It is configured with the issuer alone, and reads the metadata and the public keys from there.
    """

    def __init__(self, profile: SecurityProfile, initial_access_token: str) -> None:
        self.key, self.dpop = ClientKey("PS256"), ClientKey(kid=None)
        self.signs = profile == SecurityProfile.FAPI2_MESSAGE_SIGNING
        self.http = Browser(raise_request_exception=False)
        self.metadata = self.http.get("/.well-known/openid-configuration").json()
        self.par = path(self.metadata["pushed_authorization_request_endpoint"])
        self.authorization = path(self.metadata["authorization_endpoint"])
        document = {
            "client_name": "FAPI client",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email offline_access accounts:read balances:read transfers:write",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [self.key.public]},
            "security_profile": profile.value,
        }
        self.id = register(self.http, self.metadata, document, initial_access_token=initial_access_token)["client_id"]

    @property
    def client(self) -> Client:
        """The client in the database, for changes that only an administrator can make."""
        client: Client = Client.objects.get(client_id=self.id)
        return client

    def verified(self, token: str, *algorithms: str) -> dict[str, Any]:
        """The claims of a JWT that the issuer made for this client, verified with the published keys (OpenID Connect
        Core §3.1.3.7).
        """
        header = jwt.get_unverified_header(token)
        assert header["alg"] in (algorithms or ("ES256", "PS256", "EdDSA"))  # FAPI 2.0 §5.4.1
        jwks = jwt.PyJWKSet.from_dict(self.http.get(path(self.metadata["jwks_uri"])).json())
        claims: dict[str, Any] = jwt.decode(
            token, jwks[header["kid"]], [header["alg"]], audience=self.id, issuer=self.metadata["issuer"]
        )
        return claims

    def parameters(self, **changed: str | None) -> dict[str, str]:
        given = {
            "client_id": self.id, "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid accounts:read",
            "state": "the-state", "nonce": "the-nonce", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
            "response_mode": "jwt" if self.signs else None, **changed,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}

    def request_object(
        self, *, key: ClientKey | None = None, times: dict[str, int | None] | None = None, **changed: Any
    ) -> str:
        """A signed request object (RFC 9101). A time that is None is left out."""
        now = int(time.time())
        claims = {"iss": self.id, "aud": conf.ISSUER, "nbf": now, "exp": now + 300, **(times or {})}
        claims = {name: value for name, value in claims.items() if value is not None}
        return (key or self.key).sign({**claims, **self.parameters(**changed)}, typ="oauth-authz-req+jwt")

    def push(
        self, *, assertion: str | None = None, request: str | None = None, outside: dict[str, str] | None = None,
        headers: dict[str, str] | None = None, **changed: Any,
    ) -> Any:  # fmt: skip
        """POST /oauth/par, with a signed request object if the profile requires it."""
        if request is None and self.signs:
            request = self.request_object(**changed)
        body = {"client_id": self.id, "request": request} if request else self.parameters(**changed)
        body |= by(assertion or self.key.assertion(self.id)) | (outside or {})
        return self.http.post(self.par, urlencode(body), content_type=FORM, headers=headers or {})

    def visit(self, browser: Browser, request_uri: str, **more: str) -> Any:
        query = urlencode({"client_id": self.id, "request_uri": request_uri, **more})
        return browser.get(f"{self.authorization}?{query}")

    def authorize(self, browser: Browser, *, decision: str = "allow", **push: Any) -> dict[str, str]:
        """The parameters that the client receives; a JARM response is verified and decoded (JARM §2.4)."""
        pushed = self.push(**push)
        assert pushed.status_code == 201, pushed.content
        page = self.visit(browser, pushed.json()["request_uri"])
        return self.received(decide(browser, page, decision) if page.status_code == 200 else page)

    def received(self, answer: Any) -> dict[str, str]:
        assert answer.status_code == 303, answer.content
        assert answer["Location"].startswith(CALLBACK)
        response = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
        if self.signs:
            assert response.keys() == {"response"}
            response = self.verified(response["response"])
        assert response["iss"] == conf.ISSUER
        return response

    def proof(self, **claims: Any) -> dict[str, str]:
        return {"DPoP": proof(self.dpop, **claims)}

    def token(self, *, assertion: str | None = None, headers: dict[str, str] | None = None, **form: str | None) -> Any:
        """POST /oauth/token with an assertion ("" for none) and a proof."""
        headers = self.proof() if headers is None else headers
        proven = by(self.key.assertion(self.id) if assertion is None else assertion) if assertion != "" else {}
        body = {name: value for name, value in {**proven, **form}.items() if value is not None}
        return self.http.post(
            path(self.metadata["token_endpoint"]), urlencode(body), content_type=FORM, headers=headers
        )

    def redeem(self, code: str, **changed: Any) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.token(**{**form, **changed})

    def tokens(self, browser: Browser, **push: Any) -> dict[str, Any]:
        answer = self.redeem(self.authorize(browser, **push)["code"])
        assert answer.status_code == 200, answer.content
        body: dict[str, Any] = answer.json()
        if "id_token" in body:
            body["claims"] = self.verified(body["id_token"])
        return body

    def resource(self, access_token: str, *, scheme: str = "DPoP", sent: dict[str, str] | None = None) -> Any:
        sent = self.proof(url=ACCOUNTS, method="GET", token=access_token) if sent is None else sent
        return self.http.get("/api/v1/accounts", headers={"Authorization": f"{scheme} {access_token}", **sent})
