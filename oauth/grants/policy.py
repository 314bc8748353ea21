"""What the site decides about its tokens. An edge takes it from `oauth.wiring` and puts it into the GrantRequest."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    issuer: str
    #: What signs access tokens.
    algorithm: str
    #: Of a client that has no lifetime of its own.
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
