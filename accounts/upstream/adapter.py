"""allauth's social account adapter for this site: restricted outbound requests, no login by email, the full name."""

import io
import logging
from typing import Any

import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.http import HttpRequest
from requests.adapters import BaseAdapter

from accounts import addresses
from accounts.models import User
from accounts.upstream import proof
from oauth.infrastructure import outbound

logger = logging.getLogger(__name__)


class Distrusted(OAuth2Error):
    """The provider's response must not be used. The message contains only our words, so it is safe to log."""


_SENT = ("Authorization", "Content-Type", "Accept")


class UpstreamAdapter(DefaultSocialAccountAdapter):
    def get_requests_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # ignore proxy variables and .netrc
        session.mount("https://", GuardedTransport())
        session.mount("http://", GuardedTransport())
        return session

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Logs nothing that the provider sent, because it may contain secrets."""
        cause = exception if isinstance(exception, Distrusted | requests.ConnectionError) else type(exception).__name__
        logger.warning("Login through %s failed: %s, %s", provider.app.provider_id, error, cause)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.state.get("process") == AuthProcess.REDIRECT:
            proof.record(request, sociallogin)
        if not sociallogin.is_existing:
            for address in sociallogin.email_addresses:
                addresses.delete_claims(address.email)

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        return False

    def is_email_verified(self, provider: Any, email: str) -> bool:
        """Disables allauth's settings for verified emails; UpstreamProvider.extract_email_addresses decides."""
        return False

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        user.name = str(data.get("name") or "")[:150]
        return user


class GuardedTransport(BaseAdapter):
    """Sends requests through `outbound`: to public addresses only, over https, with a deadline and a size limit."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        given: Any = request.body  # bytes or str
        body = given.decode() if isinstance(given, bytes) else given
        headers = {name: str(request.headers[name]) for name in _SENT if name in request.headers}
        try:
            answer = outbound.request(str(request.method), str(request.url), body=body, more_headers=headers)
        except outbound.OutboundError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, str(request.url), request
        response.headers["Content-Type"] = answer.content_type
        response.raw = io.BytesIO(answer.body)
        return response

    def close(self) -> None:
        """Does nothing, because no connection is kept open."""
