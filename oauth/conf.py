"""Settings of the app: `OAUTH = {...}` in Django's settings, read once into a frozen, typed object.

Only the edges read `conf`; deeper code takes what it needs as arguments.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

# RFC 9068 §2.1: asymmetric only; the list is also what the verifier accepts at all.
SIGNING_ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")

# What clients may sign with (private_key_jwt, request objects); RS256 is left out: FAPI 2.0 §5.4.1, RFC 8725 §3.2.
CLIENT_SIGNING_ALGORITHMS = ("PS256", "ES256", "EdDSA")

# Bits of one status list: 8 KiB before compression, so a list is small to fetch and cheap to build.
STATUS_LIST_SIZE = 65_536


@dataclass(frozen=True)
class Conf:
    """Every setting of `OAUTH`, with its default, unit and source."""

    #: The `iss` of everything (RFC 8414 §2): an origin without path. Never taken from the Host header.
    ISSUER: str
    #: Fernet keys for private keys at rest, newest first; older ones only decrypt.
    KEY_ENCRYPTION_KEYS: tuple[str, ...] = ()
    #: Algorithm of access tokens; one of SIGNING_ALGORITHMS.
    SIGNING_ALGORITHM: str = "ES256"
    #: OpenID Connect Core §15.1: RS256 is what every relying party can verify.
    ID_TOKEN_SIGNING_ALGORITHM: str = "RS256"
    #: RFC 9700 §2.2: short-lived. Never above 15 minutes.
    ACCESS_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)
    ID_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)
    #: RFC 6749 §4.1.2 allows 10 minutes; ASVS 5.0 10.4.3 asks for 1 at level 3.
    AUTHORIZATION_CODE_LIFETIME: timedelta = timedelta(seconds=60)
    #: How long a person may take over log-in and consent.
    INTERACTION_LIFETIME: timedelta = timedelta(minutes=30)
    #: A refresh token that is not used for this long ends (RFC 9700 §4.14.2).
    REFRESH_TOKEN_IDLE_LIFETIME: timedelta = timedelta(days=30)
    #: Whether DPoP proofs carry a nonce of ours (RFC 9449 §8, §9); libraries take it from the first refusal.
    DPOP_NONCE_REQUIRED: bool = True
    #: Dotted path of a function (digest, lifetime) -> bool: whether a proof is used the first time, at any worker.
    REPLAY_CHECK: str = "oauth.proof.replay.in_cache"
    #: How long a pushed authorization request waits for the browser (RFC 9126 §2.2).
    PUSHED_REQUEST_LIFETIME: timedelta = timedelta(seconds=90)
    #: How long a person may take to find the code page and type the code (RFC 8628 §3.2).
    DEVICE_CODE_LIFETIME: timedelta = timedelta(minutes=10)
    #: Multiplies the limits on guessing and asking.
    THROTTLE_SCALE: float = 1.0
    #: However often it is refreshed, what a user allowed ends after this (ASVS 5.0 10.4.8).
    AUTHORIZATION_LIFETIME: timedelta = timedelta(days=90)
    #: A superseded refresh token works again for so long, until its successor is first used.
    REFRESH_TOKEN_RETRY_WINDOW: timedelta = timedelta(seconds=60)
    #: RFC 9068 §4: a resource server may allow for clock skew.
    CLOCK_SKEW: timedelta = timedelta(seconds=30)
    #: A client that has proven itself is read again after this: how soon disabling it, or taking something from it,
    #: counts at other workers. What gives it more counts at once. Zero: read at every request.
    CLIENT_CACHE_LIFETIME: timedelta = timedelta(seconds=3)
    #: Parsed signing keys and the JWKS are read again after this.
    KEY_CACHE_LIFETIME: timedelta = timedelta(seconds=60)
    #: Scope name -> sentence for the consent page. First values of rows that the admin edits.
    SCOPES: Mapping[str, str] = field(default_factory=dict)
    #: RFC 8707: resource identifier (`aud`) -> {"name", "path"}; the first one is meant when none is asked.
    #: `example` is an address below it for the programs to copy: what an app would ask first.
    RESOURCES: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: RFC 9396: type of details -> dotted path of its `authorization_details.DetailsType`.
    AUTHORIZATION_DETAILS_TYPES: Mapping[str, str] = field(default_factory=dict)
    #: Response mode -> dotted path of its `authorize.response_modes.ResponseMode`, besides the built-in ones.
    RESPONSE_MODES: Mapping[str, str] = field(default_factory=dict)
    #: RFC 6749 §4.5: grant type -> dotted path of its `grants.ExtensionGrant`.
    GRANT_TYPES: Mapping[str, str] = field(default_factory=dict)
    #: RFC 7591 §2: client authentication method -> dotted path of its `clients.authentication.ExtensionMethod`.
    CLIENT_AUTHENTICATION_METHODS: Mapping[str, str] = field(default_factory=dict)
    #: Dotted paths of `left_by_apps.LeftByApps`: what becomes of what an app set up when a user removes it.
    LEFT_BY_APPS: tuple[str, ...] = ()
    #: Dotted path of a function (request) -> AuthenticationContext: how and when this person logged in.
    AUTHENTICATION_CONTEXT: str = "oauth.sessions.authentication_context.from_last_login"
    #: Dotted path of a function (user, scopes) -> claims for the UserInfo endpoint.
    USER_CLAIMS: str = "oauth.tokens.user_claims.standard_claims"
    #: Dotted path of a function (user) -> language code, of mail to them; "" is the language of the site.
    USER_LANGUAGE: str | None = None
    #: Dotted path of a function () -> JWK Set for verifying; without it the set is fetched from JWKS_URI.
    VERIFICATION_KEYS: str | None = None
    #: Dotted path of a function (AccessTokenClaims) -> bool for `resource_server.require_live`.
    REVOCATION_CHECK: str | None = None
    #: Dotted path of a function (AccessTokenClaims) -> AuthorizationSummary or None, for `authorization_of`.
    AUTHORIZATION_OF: str | None = None
    #: Dotted path of a function (AccessTokenClaims) that ends the authorization, for `end_authorization`.
    END_AUTHORIZATION: str | None = None
    #: Dotted path of a function (number) -> bytes of a status list; without it the list is fetched over HTTP.
    STATUS_LISTS: str | None = None
    #: So many access tokens that were verified are known again by their SHA-256 until they expire, per process; what
    #: may change (status list, proof of possession, keys) is looked at every time. Zero: each is verified every time.
    VERIFIED_TOKENS_KEPT: int = 4096
    #: A status list is read again after this: how soon a revocation reaches a resource server (its `ttl`).
    STATUS_LIST_REFRESH: timedelta = timedelta(seconds=5)
    #: A status list that cannot be read again is believed for so long; then tokens are answered 503: fail closed.
    STATUS_LIST_MAX_AGE: timedelta = timedelta(minutes=5)
    #: Secret of pairwise subjects (OpenID Connect Core §8.1); for good: another one changes every `sub`. Empty: off.
    PAIRWISE_SUBJECT_KEY: str = ""
    #: Whether hot paths use the tricks of oauth/fast_path/README.md. Off: Django answers as it does everywhere.
    FAST_PATH: bool = True
    #: Regular expression of the paths that read no cookie and render no page. Empty: none.
    MACHINE_ENDPOINTS: str = ""
    #: Dotted paths of the middleware for these paths, in place of MIDDLEWARE; see `oauth.fast_path.machine_chain`.
    MACHINE_MIDDLEWARE: tuple[str, ...] = ()
    #: Paths of documents that are the same for everybody, kept for a second; see `oauth.fast_path.public_answers`.
    PUBLIC_DOCUMENTS: tuple[str, ...] = (
        "/oauth/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    )
    #: Hosts, perhaps with a port, that we may fetch from although they are private or without TLS.
    OUTBOUND_ALLOWED_HOSTS: tuple[str, ...] = ()
    #: Where a person who is logged in proves it again (`?next=`); the site's LOGIN_URL by default.
    REAUTHENTICATION_URL: str | None = None
    #: How a person can log in, from the weakest to the strongest: names for `acr` (RFC 9470, OpenID Connect Core §2).
    ACR_VALUES: tuple[str, ...] = ("urn:countersign:acr:pwd", "urn:countersign:acr:mfa")
    #: Where a person who is logged in does so more strongly (`?next=`). Empty: cannot be.
    STEP_UP_URL: str = ""
    #: Dotted path of a function (request) -> DER certificates that the client presented in TLS, its own first (RFC
    #: 8705). It must hand over only what it knows, never a header that anybody could have sent. None: no mutual TLS.
    CLIENT_CERTIFICATE: str | None = None
    #: The authorities of clients' certificates, in PEM. Empty: no tls_client_auth.
    CLIENT_CERTIFICATE_AUTHORITIES: str = ""
    #: The origin where TLS asks for a certificate, for `mtls_endpoint_aliases` (RFC 8705 §5).
    MTLS_ORIGIN: str = ""
    #: How long a person may take to decide what a client asked over the back channel (CIBA §7.3).
    BACKCHANNEL_REQUEST_LIFETIME: timedelta = timedelta(minutes=5)
    #: Dotted path of a function (login_hint) -> user or None (CIBA §7.1).
    FIND_USER: str = "oauth.authorize.backchannel_request.find_user"
    #: The next signing key is published when the active one is so old (ASVS 5.0 11.1.1).
    KEY_ROTATION_INTERVAL: timedelta = timedelta(days=90)
    #: Audit events are kept for so long; the database refuses to delete any of the last 90 days.
    AUDIT_LIFETIME: timedelta = timedelta(days=400)
    #: Group -> permissions of the site's other apps, for the roles of `oauth.staff.roles` or more of them.
    ADMIN_ROLES: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Dotted paths of functions () -> `oauth.admin.panels.Panel`: what the admin's home page shows besides ours.
    ADMIN_PANELS: tuple[str, ...] = ()
    #: Whether a new host among the redirect URIs of a client in use waits for a second admin, who approves it.
    SECOND_ADMIN_FOR_REDIRECT_HOSTS: bool = True
    #: The implicit flow (RFC 9700 §2.1.2: not to be used), for clients whose grant types also name it.
    ALLOW_IMPLICIT: bool = False
    #: Clients named by an https URL that we fetch their metadata from (draft-ietf-oauth-client-id-metadata-document).
    ALLOW_CLIENT_ID_METADATA_DOCUMENTS: bool = False
    #: Where a resource server fetches the JWK Set; `<issuer>/oauth/jwks` by default.
    JWKS_URI: str | None = None
    #: The `aud` a resource server accepts; by default the keys of RESOURCES.
    AUDIENCES: tuple[str, ...] = ()

    @cached_property
    def audiences(self) -> tuple[str, ...]:
        return tuple(self.AUDIENCES) or tuple(self.RESOURCES)

    @cached_property
    def is_machine_endpoint(self) -> Callable[[str], object]:
        """A function (path) -> whether it is one of MACHINE_ENDPOINTS."""
        return re.compile(self.MACHINE_ENDPOINTS or r"(?!)").match

    @cached_property
    def jwks_uri(self) -> str:
        return self.JWKS_URI or f"{self.ISSUER}/oauth/jwks"

    def url(self, path: str) -> str:
        """An absolute URL of this server; independent of the request, hence of its Host header."""
        return f"{self.ISSUER}{path}"


def _load() -> Conf:
    given: dict[str, Any] = dict(getattr(settings, "OAUTH", {}))
    unknown = given.keys() - {f.name for f in fields(Conf)}
    if unknown:
        raise ImproperlyConfigured(f"OAUTH has no setting named {', '.join(sorted(unknown))}.")
    if "ISSUER" not in given:
        raise ImproperlyConfigured('OAUTH["ISSUER"] is missing: the origin of this server, as clients see it.')
    for name in (
        "KEY_ENCRYPTION_KEYS",
        "AUDIENCES",
        "OUTBOUND_ALLOWED_HOSTS",
        "ACR_VALUES",
        "ADMIN_PANELS",
        "LEFT_BY_APPS",
        "MACHINE_MIDDLEWARE",
        "PUBLIC_DOCUMENTS",
    ):
        if name in given:
            given[name] = tuple(given[name])
    return Conf(**given)


class _LazyConf:
    """Read at first use; read again when a test overrides OAUTH. What was asked for once is an attribute here."""

    def __getattr__(self, name: str) -> Any:
        if name == "_loaded":
            value: Any = _load()
        else:
            value = getattr(self._loaded, name)
        self.__dict__[name] = value
        return value


conf: Conf = _LazyConf()  # type: ignore[assignment]


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "OAUTH":
        conf.__dict__.clear()


setting_changed.connect(_reload)
