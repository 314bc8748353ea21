"""The site's settings for tokens. Endpoints get the policy from `oauth.wiring` and pass it on in the GrantRequest."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from oauth.models import Authorization

_LONGEST_EXTENSION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    issuer: str
    #: The algorithm that signs access tokens.
    algorithm: str
    #: The default lifetime; a client can have its own.
    access_token_lifetime: timedelta
    id_token_lifetime: timedelta
    #: A refresh token expires if it is not used for this time (RFC 9700 §4.14.2).
    refresh_token_idle_lifetime: timedelta
    #: How long a rotated refresh token still works, unless its successor is used first.
    refresh_token_retry_window: timedelta
    #: The secret for pairwise subjects (OpenID Connect Core §8.1). Empty: not supported.
    pairwise_key: str
    #: Dotted path of a function (user, scopes) -> claims.
    user_claims: str
    #: The values of `aud` that this server accepts when it verifies tokens.
    audiences: tuple[str, ...]

    def refresh_token_expires_at(self, authorization: Authorization) -> datetime:
        """When a refresh token that is issued or used now expires: after the idle lifetime (RFC 9700 §4.14.2), but not
        later than the authorization (ASVS 5.0 10.4.8).
        """
        return min(timezone.now() + self.refresh_token_idle_lifetime, authorization.expires_at)

    @property
    def refresh_token_extension(self) -> timedelta:
        """A refresh token that is not rotated is extended only by at least this much, because each extension updates
        its row. So it may expire up to this much too early.
        """
        return min(self.refresh_token_idle_lifetime / 30, _LONGEST_EXTENSION)
