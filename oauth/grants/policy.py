"""The site's decisions about its tokens. An endpoint takes it from `oauth.wiring` and puts it into the GrantRequest."""

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
    #: The lifetime for a client that does not set its own.
    access_token_lifetime: timedelta
    id_token_lifetime: timedelta
    #: A refresh token that is not used for this long ends (RFC 9700 §4.14.2).
    refresh_token_idle_lifetime: timedelta
    #: For this time a rotated refresh token still works, until its successor is first used.
    refresh_token_retry_window: timedelta
    #: The secret of pairwise subjects (OpenID Connect Core §8.1). Empty: there are none.
    pairwise_key: str
    #: Dotted path of a function (user, scopes) -> claims.
    user_claims: str
    #: The values of `aud` of tokens that this server accepts itself.
    audiences: tuple[str, ...]

    def refresh_token_expires_at(self, authorization: Authorization) -> datetime:
        """The end of a refresh token that is issued or used now: the idle expiry (RFC 9700 §4.14.2), never past the
        absolute one (ASVS 5.0 10.4.8)."""
        return min(timezone.now() + self.refresh_token_idle_lifetime, authorization.expires_at)

    @property
    def refresh_token_extension(self) -> timedelta:
        """Using a token that stays the same extends it only if its end moves by this much, because each extension
        writes its row. So such a token may expire this much earlier than its last use would allow."""
        return min(self.refresh_token_idle_lifetime / 30, _LONGEST_EXTENSION)
