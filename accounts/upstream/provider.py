"""The OpenID Connect provider that allauth finds here (`provider_classes`), stricter than its own."""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.upstream.adapter import Distrusted


class UpstreamOAuth2Adapter(OpenIDConnectOAuth2Adapter):
    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        # OpenID Connect Discovery §4.3, ASVS 5.0 10.5.3: the document must name the issuer that it was fetched from.
        if (
            f"{str(config.get('issuer')).rstrip('/')}/.well-known/openid-configuration"
            != self.get_provider().server_url
        ):
            raise Distrusted("The discovery document is another issuer's.")
        return config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """On the issuer, not on the Host of the request."""
        path = reverse("openid_connect_callback", kwargs={"provider_id": self.provider_id})
        return f"{settings.ORIGIN}{path}"


# Parameters that a link to our login page may pass to the provider, with their form (OpenID Connect Core §3.1.2.1).
_ASKED = {"prompt": re.compile(r"login|consent|select_account"), "max_age": re.compile(r"[0-9]{1,9}")}


class UpstreamProvider(OpenIDConnectProvider):
    oauth2_adapter_class = UpstreamOAuth2Adapter

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Anybody can write such a link, so it must not replace `redirect_uri`, `scope`, `login_hint` and the like."""
        asked = dict(parse_qsl(request.GET.get("auth_params", "")))
        allowed = {name: asked[name] for name, form in _ASKED.items() if form.fullmatch(asked.get(name, ""))}
        return {**self.get_auth_params(), **allowed}

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """The admin decides which scopes are requested, not the link."""
        scopes: list[str] = self.get_scope()
        return scopes

    def extract_uid(self, data: dict[str, Any]) -> str:
        """A digest of (`iss`, `sub`), so that a provider whose issuer was changed matches no user (ASVS 5.0 10.5.2)."""
        id_token, userinfo = data.get("id_token"), data.get("userinfo")
        if not id_token or not isinstance(id_token.get("sub"), str) or not id_token["sub"]:
            raise Distrusted("The provider gave no ID token with a subject.")
        # OpenID Connect Core §5.3.2: UserInfo about another subject must not be used.
        if userinfo is not None and userinfo.get("sub") != id_token["sub"]:
            raise Distrusted("UserInfo is about another subject than the ID token.")
        identity = json.dumps([id_token["iss"], id_token["sub"]])
        return base64.urlsafe_b64encode(hashlib.sha256(identity.encode()).digest()).rstrip(b"=").decode()

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        addresses: list[EmailAddress] = super().extract_email_addresses(data)
        for address in addresses:
            address.verified = address.verified is True and self._is_trusted_with(address.email)
        return addresses

    def _is_trusted_with(self, email: str) -> bool:
        """Whether the admin wrote the domain into the provider's settings: {"verified_email": ["example.com"]}."""
        domains = self.app.settings.get("verified_email")
        return isinstance(domains, list) and email.rpartition("@")[2].lower() in [str(one).lower() for one in domains]


provider_classes = [UpstreamProvider]
