"""Rate limits of an API by client and user (OWASP API4), with RateLimit headers.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10 §3, §4. A client that obeys them never gets a 429.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from oauth.conf import conf
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached
from oauth.tokens.access_token import AccessToken

if TYPE_CHECKING:
    from rest_framework.views import APIView


# A site with only an API has no `oauth.wiring`, which otherwise sets the scale.
rate_limits.scale.by(lambda: conf.THROTTLE_SCALE)


class ThrottleToken(BaseThrottle):
    """Applies the view's `limit`, or DEFAULT, to each pair of client and user."""

    DEFAULT = Limit("api", 1200)

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, AccessToken):
            return True
        self._limit: Limit = getattr(view, "limit", self.DEFAULT)
        claims = request.auth.claims
        try:
            rate_limits.spend(self._limit, claims.client_id, claims.subject)
        except LimitReached:
            return False
        return True

    def wait(self) -> float:
        return rate_limits.seconds_left(self._limit)


def say_limit(request: Request, response: Response, limit: Limit) -> None:
    """Sets the headers of the response to a request with a valid token."""
    if isinstance(request.auth, AccessToken):
        left = rate_limits.remaining(limit, request.auth.claims.client_id, request.auth.claims.subject)
        response["RateLimit-Policy"] = f'"{limit.name}";q={limit.most};w={limit.seconds}'
        response["RateLimit"] = f'"{limit.name}";r={left};t={rate_limits.seconds_left(limit)}'
