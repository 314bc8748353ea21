"""A relying party as in the OpenID Foundation's suite: it registers itself, reads the metadata, posts forms and
verifies tokens.
"""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from bs4 import BeautifulSoup
from django.test import Client as Browser

from oauth.conf import conf

FORM = "application/x-www-form-urlencoded"


def path(url: str) -> str:
    return url.removeprefix(conf.ISSUER)


def register(
    http: Browser, metadata: dict[str, Any], document: dict[str, Any], *, initial_access_token: str
) -> dict[str, Any]:
    """The answer of RFC 7591 §3.2.1 at the endpoint that `metadata` of the issuer names."""
    headers = {"Authorization": f"Bearer {initial_access_token}"}
    endpoint = path(metadata["registration_endpoint"])
    answer = http.post(endpoint, document, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    registered: dict[str, Any] = answer.json()
    return registered


class RelyingParty:
    """One registered client; `response_mode` is that of the plan (None: the default)."""

    def __init__(self, initial_access_token: str, response_mode: str | None = None, **metadata: Any) -> None:
        self.http = Browser(raise_request_exception=False)
        self.metadata = self.http.get("/.well-known/openid-configuration").json()
        self.response_mode = response_mode
        document = {
            "redirect_uris": ["https://rp.example/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "Relying party",
            **metadata,
        }
        self.client = register(self.http, self.metadata, document, initial_access_token=initial_access_token)
        self.nonce = self.verifier = self.state = ""

    # --- the front channel

    def request(self, **parameters: str | None) -> dict[str, str]:
        self.nonce, self.verifier, self.state = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        given = {
            "client_id": self.client["client_id"],
            "redirect_uri": self.client["redirect_uris"][0],
            "response_type": "code",
            "scope": "openid",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "response_mode": self.response_mode,
            **parameters,
        }
        return {name: value for name, value in given.items() if value is not None}

    def ask(self, browser: Browser, *, method: str = "get", **parameters: str | None) -> Any:
        """The response of the authorization endpoint: a page or a redirect."""
        body = urlencode(self.request(**parameters))
        endpoint = path(self.metadata["authorization_endpoint"])
        if method == "post":
            answer = browser.post(endpoint, body, content_type=FORM)
            return browser.get(answer["Location"]) if answer.status_code == 303 else answer
        return browser.get(f"{endpoint}?{body}")

    def authorize(self, browser: Browser, **parameters: Any) -> dict[str, str]:
        """The response at the redirect URI after the user has allowed the request."""
        answer = self.ask(browser, **parameters)
        if answer.status_code == 200 and b'name="interaction"' in answer.content:
            form = BeautifulSoup(answer.content, "html.parser").select_one("main form")
            assert form is not None
            fields = {
                str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden], input[checked]")
            }
            answer = browser.post("/oauth/authorize", urlencode({**fields, "decision": "allow"}), content_type=FORM)
        return self.received(answer)

    def received(self, answer: Any) -> dict[str, str]:
        """RFC 9207, RFC 6749 §4.1.2: every response names this issuer and has the state of this request."""
        uri = self.client["redirect_uris"][0]
        if self.response_mode == "form_post":
            form = BeautifulSoup(answer.content, "html.parser").select_one("form")
            assert form is not None, answer.content
            assert (form["method"], form["action"]) == ("post", uri)
            response = {str(field["name"]): str(field["value"]) for field in form.select("input")}
        else:
            assert answer.status_code == 303, answer.content
            assert answer["Location"].startswith(uri)
            query = parse_qs(urlsplit(answer["Location"]).query)
            response = {name: values[0] for name, values in query.items()}
        assert (response["iss"], response["state"]) == (conf.ISSUER, self.state)
        return response

    # --- the back channel

    def token(self, **form: str) -> Any:
        headers = {}
        method = self.client["token_endpoint_auth_method"]
        if method == "client_secret_basic":
            credentials = f"{self.client['client_id']}:{self.client['client_secret']}"
            headers["Authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        elif method == "client_secret_post":
            form |= {"client_id": self.client["client_id"], "client_secret": self.client["client_secret"]}
        endpoint = path(self.metadata["token_endpoint"])
        return self.http.post(endpoint, urlencode(form), content_type=FORM, headers=headers)

    def redeem(self, code: str) -> Any:
        return self.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.client["redirect_uris"][0],
            code_verifier=self.verifier,
        )

    def tokens(self, browser: Browser, **parameters: Any) -> dict[str, Any]:
        """The tokens of a whole flow. The ID token is verified (OpenID Connect Core §3.1.3.7)."""
        answer = self.redeem(self.authorize(browser, **parameters)["code"])
        assert answer.status_code == 200, answer.content
        body: dict[str, Any] = answer.json()
        body["claims"] = self.verified(body["id_token"])
        if parameters.get("nonce", "sent") is not None:
            assert body["claims"]["nonce"] == self.nonce
        digest = hashlib.sha256(body["access_token"].encode()).digest()[:16]
        assert body["claims"]["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return body

    def verified(self, id_token: str) -> dict[str, Any]:
        jwks = jwt.PyJWKSet.from_dict(self.http.get(path(self.metadata["jwks_uri"])).json())
        header = jwt.get_unverified_header(id_token)
        assert header["alg"] == self.client["id_token_signed_response_alg"]
        claims: dict[str, Any] = jwt.decode(
            id_token,
            jwks[header["kid"]],
            algorithms=[header["alg"]],
            audience=self.client["client_id"],
            issuer=self.metadata["issuer"],
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
        return claims

    def userinfo(self, access_token: str, how: str = "get") -> Any:
        endpoint = path(self.metadata["userinfo_endpoint"])
        if how == "post-body":
            return self.http.post(endpoint, urlencode({"access_token": access_token}), content_type=FORM)
        method = getattr(self.http, "get" if how == "get" else "post")
        return method(endpoint, headers={"Authorization": f"Bearer {access_token}"})
