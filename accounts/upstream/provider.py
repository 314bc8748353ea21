"""An OpenID Connect provider for allauth (`provider_classes`), stricter than allauth's own."""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.upstream import id_token
from accounts.upstream.adapter import Distrusted


class UpstreamOAuth2Adapter(OpenIDConnectOAuth2Adapter):
    #: The nonce that the ID token must have. Empty, and so never matched, until the code is redeemed.
    expected_nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_openid_config"):
            provider = self.get_provider()
            config = self._json(provider.server_url)
            config.update(provider.app.settings.get("openid_configuration_overrides", {}))
            missing = [name for name in _REQUIRED if not isinstance(config.get(name), str)]
            if missing:
                raise Distrusted(f"The discovery document must have {', '.join(missing)}.")
            # OpenID Connect Discovery §4.3, ASVS 5.0 10.5.3: the document must name the issuer from which it was
            # fetched.
            if f"{config['issuer'].rstrip('/')}/.well-known/openid-configuration" != provider.server_url:
                raise Distrusted("The discovery document names another issuer.")
            self._openid_config = config
        found: dict[str, Any] = self._openid_config
        return found

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        """Returns only the access token and the ID token of the token response."""
        if pkce_code_verifier is None:
            raise Distrusted("The authorization request did not use PKCE.")
        self._check_issuer(request)
        self.expected_nonce = id_token.nonce_for(pkce_code_verifier)
        given = super().get_access_token_data(request, app, client, pkce_code_verifier=pkce_code_verifier)
        if not isinstance(given, dict) or not isinstance(given.get("access_token"), str):
            raise Distrusted("The token response has no access token.")
        return {name: given.get(name) for name in ("access_token", "id_token")}

    def _check_issuer(self, request: HttpRequest) -> None:
        """RFC 9207 §2.4: before the code is sent to this provider, `iss` must show that it comes from there. Otherwise
        a malicious provider could receive codes of another provider (mix-up attack, RFC 9700 §4.4).
        """
        named = request.GET.getlist("iss")
        if not named and self.openid_config.get("authorization_response_iss_parameter_supported") is not True:
            return
        if named != [self.openid_config["issuer"]]:
            raise Distrusted("The authorization response must name the provider exactly once, in the parameter iss.")

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """OpenID Connect Core §3.1.3.5: validates the ID token before it requests UserInfo."""
        jwks = self._json(self.openid_config["jwks_uri"])
        claims = id_token.validated(
            kwargs["response"]["id_token"],
            jwks=jwks,
            issuer=self.openid_config["issuer"],
            client_id=app.client_id,
            nonce=self.expected_nonce,
            access_token=token.token,
        )
        data = {"id_token": claims}
        if "userinfo_endpoint" in self.openid_config and app.settings.get("fetch_userinfo", True):
            data["userinfo"] = self._user_info(token.token, jwks=jwks, client_id=app.client_id)
            # §5.3.2: a UserInfo response about another subject must not be used.
            if data["userinfo"].get("sub") != claims["sub"]:
                raise Distrusted("The sub of the UserInfo response must be that of the ID token.")
        login: SocialLogin = self.get_provider().sociallogin_from_response(request, data)
        return login

    def _user_info(self, access_token: str, *, jwks: Any, client_id: str) -> dict[str, Any]:
        """OpenID Connect Core §5.3.2: a JSON object, or a JWT that the provider signed for this client."""
        response = self._get(self.profile_url, {"Authorization": f"Bearer {access_token}"})
        if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/jwt":
            return self._object(response)
        issuer = self.openid_config["issuer"]
        return id_token.verified_user_info(response.text.strip(), jwks=jwks, issuer=issuer, client_id=client_id)

    def _json(self, url: str) -> dict[str, Any]:
        return self._object(self._get(url))

    def _get(self, url: str, headers: dict[str, str] | None = None) -> Any:
        with get_adapter().get_requests_session() as session:
            response = session.get(url, headers=headers)
            response.raise_for_status()
        return response

    def _object(self, response: Any) -> dict[str, Any]:
        found = response.json()
        if not isinstance(found, dict):
            raise Distrusted("The provider's response must be a JSON object.")
        return found

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """Builds the URL with the host of our issuer, never with the Host header of the request."""
        path = reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id})
        return f"{settings.ORIGIN}{path}"


_REQUIRED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")

# Parameters that a link to our login page may pass on to the provider, and their syntax (OpenID Connect Core §3.1.2.1).
_ASKED = {"prompt": re.compile(r"login|consent|select_account"), "max_age": re.compile(r"[0-9]{1,9}")}


class UpstreamProvider(OpenIDConnectProvider):
    oauth2_adapter_class = UpstreamOAuth2Adapter
    supports_token_authentication = False  # an ID token sent by a browser has no nonce of ours

    def get_pkce_params(self) -> dict[str, str]:
        """Uses PKCE and a nonce with every provider (RFC 9700 §2.1.1, OpenID Connect Core §3.1.2.1)."""
        challenge: dict[str, str] = generate_code_challenge()
        return {**challenge, "nonce": id_token.nonce_for(challenge["code_verifier"])}

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Passes on only _ASKED, because anybody can write a link that would replace `redirect_uri`, `scope` or
        `login_hint`.
        """
        asked = dict(parse_qsl(request.GET.get("auth_params", "")))
        allowed = {name: asked[name] for name, form in _ASKED.items() if form.fullmatch(asked.get(name, ""))}
        return {**self.get_auth_params(), **allowed}

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """Ignores the link: the provider's settings define the requested scopes."""
        scopes: list[str] = self.get_scope()
        return scopes

    def extract_uid(self, data: dict[str, Any]) -> str:
        """A digest of (`iss`, `sub`). After a change of the provider's issuer, no earlier user matches (ASVS 5.0
        10.5.2).
        """
        identity = json.dumps([data["id_token"]["iss"], data["id_token"]["sub"]])
        return base64.urlsafe_b64encode(hashlib.sha256(identity.encode()).digest()).rstrip(b"=").decode()

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        addresses: list[EmailAddress] = super().extract_email_addresses(data)
        for address in addresses:
            address.verified = address.verified is True and self._is_trusted_with(address.email)
        return addresses

    def _is_trusted_with(self, email: str) -> bool:
        """Whether the provider's settings list the domain of the email: {"verified_email": ["example.com"]}."""
        domains = self.app.settings.get("verified_email")
        return isinstance(domains, list) and email.rpartition("@")[2].lower() in [str(one).lower() for one in domains]


provider_classes = [UpstreamProvider]
