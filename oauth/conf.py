"""Settings of the package: `OAUTH = {...}` in Django's settings, read once into a frozen, typed object.

Only the outer packages read `conf`. Inner packages get values as arguments or from `oauth.wiring`
(docs/architecture.md, "Settings").
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.signals import setting_changed
except ModuleNotFoundError:  # a program without Django calls `configure`
    setting_changed = None  # type: ignore[assignment]  # without Django

    class ImproperlyConfigured(Exception):  # type: ignore[no-redef]  # without Django
        """Replaces Django's class in a program without Django."""


from oauth import setting_types


class WrongSettings(ImproperlyConfigured):
    """The process cannot start with these settings. `oauth.resource_server.start` shows the message."""

    def __init__(self, wrong: Sequence[object]) -> None:
        super().__init__("\n".join(str(one) for one in wrong))


@dataclass(frozen=True)
class Conf:
    """Every setting of `OAUTH`, with its default, unit and source."""

    #: The `iss` of all tokens and metadata (RFC 8414 §2): an origin, optionally with the path below which this server's
    #: URLs are, without a slash at the end.
    ISSUER: str
    #: Fernet keys for private keys in the database, newest first. The first one encrypts; the others only decrypt.
    KEY_ENCRYPTION_KEYS: tuple[str, ...] = ()
    #: The algorithm that signs access tokens, one of `algorithms.SIGNING_ALGORITHMS`.
    SIGNING_ALGORITHM: str = "ES256"
    #: The algorithm that signs ID tokens. Every relying party can verify RS256 (OpenID Connect Core §15.1).
    ID_TOKEN_SIGNING_ALGORITHM: str = "RS256"
    #: RFC 9700 §2.2: short-lived. At most 15 minutes (oauth.E003).
    ACCESS_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)
    ID_TOKEN_LIFETIME: timedelta = timedelta(minutes=5)
    #: RFC 6749 §4.1.2 allows up to 10 minutes; ASVS 5.0 10.4.3 allows 1 minute at level 3.
    AUTHORIZATION_CODE_LIFETIME: timedelta = timedelta(seconds=60)
    #: How long a user may take for login and consent.
    INTERACTION_LIFETIME: timedelta = timedelta(minutes=30)
    #: A refresh token expires if it is not used for this time (RFC 9700 §4.14.2).
    REFRESH_TOKEN_IDLE_LIFETIME: timedelta = timedelta(days=30)
    #: Whether DPoP proofs must contain a nonce of this server (RFC 9449 §8, §9), which a client gets with the first
    #: refusal.
    DPOP_NONCE_REQUIRED: bool = True
    #: Dotted path of a function (digest, lifetime) -> bool: whether this DPoP proof is new to all worker processes.
    REPLAY_CHECK: str = "oauth.proof.replay.in_cache"
    #: How long a pushed authorization request can be used (RFC 9126 §2.2).
    PUSHED_REQUEST_LIFETIME: timedelta = timedelta(seconds=90)
    #: The lifetime of device codes, in which the user must enter the user code (RFC 8628 §3.2).
    DEVICE_CODE_LIFETIME: timedelta = timedelta(minutes=10)
    #: Multiplies every rate limit.
    THROTTLE_SCALE: float = 1.0
    #: The lifetime of an authorization, which refreshing tokens does not extend (ASVS 5.0 10.4.8).
    AUTHORIZATION_LIFETIME: timedelta = timedelta(days=90)
    #: How long a rotated refresh token still works, unless its successor is used first.
    REFRESH_TOKEN_RETRY_WINDOW: timedelta = timedelta(seconds=60)
    #: The tolerated clock skew (RFC 9068 §4).
    CLOCK_SKEW: timedelta = timedelta(seconds=30)
    #: How long a worker process caches a client. A change that disables or restricts a client takes effect in other
    #: processes within this time. Zero: clients are not cached.
    CLIENT_CACHE_LIFETIME: timedelta = timedelta(seconds=3)
    #: How long others may cache the JWK Set. A new key is used after twice this time.
    KEY_CACHE_LIFETIME: timedelta = timedelta(seconds=60)
    #: How long a worker process issues client_credentials tokens to cached clients while the database is unreachable.
    #: Zero: not at all.
    OUTAGE_TOLERANCE: timedelta = timedelta(minutes=5)
    #: Stores of private keys outside of the database: name -> {"BACKEND": dotted path of a subclass of
    #: `oauth.keys.stores.KeyStore`, "OPTIONS": {...}}.
    KEY_STORES: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The name of the store of the first keys; empty for the database. Later, staff choose the store at a rotation.
    KEY_STORE: str = ""
    #: Scope name -> sentence for the consent page. `migrate` creates a row for each, which admins can then edit.
    SCOPES: Mapping[str, str] = field(default_factory=dict)
    #: RFC 8707: resource identifier (`aud`) -> {"name", "path", "example"}. The first one is the default for requests.
    #: `example` is the path that the sample programs call.
    RESOURCES: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Resource identifier -> the client IDs with which this API introspects access tokens that are for it (RFC 7662).
    RESOURCE_SERVER_CLIENTS: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: The branding of the pages: "name", "logo" (path of a static file), "color" (#rrggbb). Staff can change it in the
    #: admin.
    BRANDING: Mapping[str, str] = field(default_factory=dict)
    #: RFC 9396: type of authorization details -> dotted path of a subclass of `authorization_details.DetailsType`.
    AUTHORIZATION_DETAILS_TYPES: Mapping[str, str] = field(default_factory=dict)
    #: Type of details -> dotted path of a subclass of `authorization_details.ScopeDetails`, which asks the user about
    #: scopes that a client requests without details, such as which accounts they cover.
    DETAILS_OF_SCOPES: Mapping[str, str] = field(default_factory=dict)
    #: Additional response modes: name -> dotted path of a subclass of `authorize.response_modes.ResponseMode`.
    RESPONSE_MODES: Mapping[str, str] = field(default_factory=dict)
    #: RFC 6749 §4.5: grant type -> dotted path of a subclass of `grants.ExtensionGrant`.
    GRANT_TYPES: Mapping[str, str] = field(default_factory=dict)
    #: RFC 7591 §2: authentication method -> dotted path of a subclass of `clients.authentication.ExtensionMethod`.
    CLIENT_AUTHENTICATION_METHODS: Mapping[str, str] = field(default_factory=dict)
    #: Dotted paths of subclasses of `clients.left_by_apps.LeftByApps`, whose objects users can end when they remove an
    #: app.
    LEFT_BY_APPS: tuple[str, ...] = ()
    #: Dotted path of a function (user, client_id) -> lines about what an app did (`clients.app_activity`).
    APP_ACTIVITY: str | None = None
    #: Dotted path of a subclass of `clients.self_service.host.Developers`, for the developer portal at /developers.
    #: None: the site has no portal.
    DEVELOPERS: str | None = None
    #: Dotted path of a function (request) -> AuthenticationContext: how and when the user logged in.
    AUTHENTICATION_CONTEXT: str = "oauth.sessions.authentication_context.from_last_login"
    #: Dotted path of a function (user, scopes) -> claims for UserInfo and ID tokens.
    USER_CLAIMS: str = "oauth.tokens.user_claims.standard_claims"
    #: Dotted path of a function (user) -> language code for emails to the user; "" means the site's language.
    USER_LANGUAGE: str | None = None
    #: Dotted path of a function (user) -> IANA time zone for emails to the user; "" means TIME_ZONE.
    USER_TIME_ZONE: str | None = None
    #: Dotted path of a function () -> JWK Set for verifying tokens. None: the set is fetched from JWKS_URI.
    VERIFICATION_KEYS: str | None = None
    #: Dotted path of a function (token) -> AccessTokenClaims or None, for tokens that are not JWTs, such as
    #: `oauth.status.imported_access_tokens.find_live`. None: only JWTs are accepted.
    OPAQUE_TOKENS: str | None = None
    #: Dotted path of a function (AccessTokenClaims) -> bool for `resource_server.require_live`.
    REVOCATION_CHECK: str | None = None
    #: Dotted path of a function (AccessTokenClaims) -> AuthorizationSummary or None, for `authorization_of`.
    AUTHORIZATION_OF: str | None = None
    #: Dotted path of a function (AccessTokenClaims) that ends the authorization, for `end_authorization`.
    END_AUTHORIZATION: str | None = None
    #: Dotted path of a function (number) -> bytes of a status list. None: the list is fetched over HTTP.
    STATUS_LISTS: str | None = None
    #: How many verified access tokens a process caches (by SHA-256) to verify each signature only once. Expiry, status
    #: list, proof of possession and key are checked at every request. Zero: no cache.
    VERIFIED_TOKENS_KEPT: int = 4096
    #: How often a status list is fetched (its `ttl`). A revocation takes effect at resource servers within this time.
    STATUS_LIST_REFRESH: timedelta = timedelta(seconds=5)
    #: How long a status list is used if no newer one can be fetched. After that, the API responds with 503 (fail
    #: closed).
    STATUS_LIST_MAX_AGE: timedelta = timedelta(minutes=5)
    #: The secret for pairwise subjects (OpenID Connect Core §8.1). A new value would change every pairwise `sub`.
    #: Empty: not supported.
    PAIRWISE_SUBJECT_KEY: str = ""
    #: Whether frequent requests use the shortcuts described in oauth/fast_path/README.md instead of Django's usual
    #: path.
    FAST_PATH: bool = True
    #: Whether the background worker sends OpenTelemetry traces; `oauth.tracing.traced` adds requests. Needs
    #: `countersign-oauth[otel]`.
    TRACING: bool = False
    #: A regular expression that matches the paths of machine endpoints, which read no cookie and render no page. Empty:
    #: none.
    MACHINE_ENDPOINTS: str = ""
    #: Dotted paths of the middleware for MACHINE_ENDPOINTS, instead of MIDDLEWARE; see `oauth.fast_path.machine_chain`.
    MACHINE_MIDDLEWARE: tuple[str, ...] = ()
    #: Paths of documents that are the same for every caller, which `fast_path.public_answers` caches for a second.
    PUBLIC_DOCUMENTS: tuple[str, ...] = (
        "/oauth/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    )
    #: Hosts, with or without a port, that the server may call even if they have private addresses or no TLS.
    OUTBOUND_ALLOWED_HOSTS: tuple[str, ...] = ()
    #: The page where a logged-in user reauthenticates (`?next=`). None: LOGIN_URL.
    REAUTHENTICATION_URL: str | None = None
    #: The values of `acr`, from the weakest to the strongest login (RFC 9470, OpenID Connect Core §2).
    ACR_VALUES: tuple[str, ...] = ("urn:countersign:acr:pwd", "urn:countersign:acr:mfa")
    #: The page for step-up authentication of a logged-in user (`?next=`). Empty: requests for a stronger login are
    #: refused.
    STEP_UP_URL: str = ""
    #: Dotted path of a function (request) -> the client's certificate chain in DER, its own certificate first (RFC
    #: 8705). The function must not trust a header that a client can send. None: no mutual TLS.
    CLIENT_CERTIFICATE: str | None = None
    #: Certificates of the trusted authorities for tls_client_auth, in PEM. Empty: no tls_client_auth.
    CLIENT_CERTIFICATE_AUTHORITIES: str = ""
    #: The origin that requests a client certificate, for `mtls_endpoint_aliases` (RFC 8705 §5). Empty: that of the
    #: issuer.
    MTLS_ORIGIN: str = ""
    #: The default lifetime of a CIBA request (CIBA §7.3).
    BACKCHANNEL_REQUEST_LIFETIME: timedelta = timedelta(minutes=5)
    #: Dotted path of a function (login_hint) -> user or None (CIBA §7.1).
    FIND_USER: str = "oauth.authorize.backchannel_request.find_user"
    #: How long a signing key signs (ASVS 5.0 11.1.1). The next key is published one interval before it signs.
    KEY_ROTATION_INTERVAL: timedelta = timedelta(days=90)
    #: How long audit events are kept. The database refuses to delete events of the last 90 days.
    AUDIT_LIFETIME: timedelta = timedelta(days=400)
    #: How often a worker process stores refused requests, so that staff can find their error IDs. Zero: only when it
    #: stops.
    REFUSED_REQUESTS_INTERVAL: timedelta = timedelta(seconds=2)
    #: Group -> permissions of the site's own apps. They are added to the roles of `oauth.staff.roles`, or make new
    #: roles.
    ADMIN_ROLES: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Dotted paths of functions () -> `oauth.admin.panels.Panel`: additional panels for the admin's home page.
    ADMIN_PANELS: tuple[str, ...] = ()
    #: Whether a new redirect host of a client in use must be approved by a second admin.
    SECOND_ADMIN_FOR_REDIRECT_HOSTS: bool = True
    #: Allows the implicit flow for clients that have this grant type. RFC 9700 §2.1.2 advises against it.
    ALLOW_IMPLICIT: bool = False
    #: Accepts an https URL of a client's metadata as `client_id` (draft-ietf-oauth-client-id-metadata-document).
    ALLOW_CLIENT_ID_METADATA_DOCUMENTS: bool = False
    #: The URL from which a resource server fetches the JWK Set. None: `<issuer>/oauth/jwks`.
    JWKS_URI: str | None = None
    #: The values of `aud` that a resource server accepts. Empty: the keys of RESOURCES.
    AUDIENCES: tuple[str, ...] = ()

    @cached_property
    def audiences(self) -> tuple[str, ...]:
        return tuple(self.AUDIENCES) or tuple(self.RESOURCES)

    @cached_property
    def is_machine_endpoint(self) -> Callable[[str], object]:
        """A function that returns a truthy value for a path in MACHINE_ENDPOINTS."""
        return re.compile(self.MACHINE_ENDPOINTS or r"(?!)").match

    @cached_property
    def jwks_uri(self) -> str:
        return self.JWKS_URI or f"{self.ISSUER}/oauth/jwks"

    def url(self, path: str) -> str:
        """The absolute URL of a path below the issuer."""
        return f"{self.ISSUER}{path}"

    @cached_property
    def issuer_path(self) -> str:
        """The path of the issuer: empty or, for example, `/id`."""
        return urlsplit(self.ISSUER).path

    @cached_property
    def issuer_origin(self) -> str:
        return self.ISSUER.removesuffix(self.issuer_path)


#: Defaults for an authorization server, which reads from its database what an API on another site fetches over HTTP.
#: They also replace None, because a server that fetched its own keys over HTTP could deadlock.
OF_THIS_PROCESS = {
    "VERIFICATION_KEYS": "oauth.keys.published_jwks",
    "STATUS_LISTS": "oauth.status.ended_recently.bits",
    "REPLAY_CHECK": "oauth.models.used_proof.is_first_use",
    "REVOCATION_CHECK": "oauth.status.liveness.is_active",
    "AUTHORIZATION_OF": "oauth.authorize.from_claims.find",
    "END_AUTHORIZATION": "oauth.authorize.from_claims.end",
}


def has_authorization_server() -> bool:
    """Whether this site is an authorization server instead of only an API."""
    from django.conf import settings

    return any(app == "oauth" or app.startswith("oauth.apps.") for app in settings.INSTALLED_APPS)


def configure(**given: Any) -> None:
    """Sets the settings (keys of OAUTH) of a program that is not a Django site. Call this once, before the first token
    is verified.

    Such a program has neither a SECRET_KEY for nonces nor a shared cache. So it requires no nonces, and refuses
    DPoP-bound tokens unless REPLAY_CHECK names a function. Raises ImproperlyConfigured.
    """
    if given.get("DPOP_NONCE_REQUIRED"):
        raise ImproperlyConfigured("DPOP_NONCE_REQUIRED needs Django's SECRET_KEY, so it must be off here.")
    conf.__dict__.clear()
    _configured.clear()
    _configured.update({"REPLAY_CHECK": "", "DPOP_NONCE_REQUIRED": False} | given)
    conf.ISSUER  # noqa: B018 (reads the settings to report errors now)


_configured: dict[str, Any] = {}


def has_django_settings() -> bool:
    """Whether the settings are Django's. False after `configure`."""
    return not _configured


def _load() -> Conf:
    given = dict(_configured) or _of_django()
    if wrong := setting_types.find_wrong(given, Conf):
        raise WrongSettings(wrong)
    return Conf(**setting_types.in_form(given, Conf))


def _of_django() -> Any:
    from django.conf import settings

    given = getattr(settings, "OAUTH", {})
    if not has_authorization_server() or not isinstance(given, Mapping):
        return given
    unset = {name for name in OF_THIS_PROCESS if given.get(name, "") is None}
    return OF_THIS_PROCESS | {name: value for name, value in given.items() if name not in unset}


class _LazyConf:
    """Reads the settings at first use, and again when a test overrides OAUTH. Caches each value as an attribute."""

    def __getattr__(self, name: str) -> Any:
        if name == "_loaded":
            value: Any = _load()
        else:
            value = getattr(self._loaded, name)
        self.__dict__[name] = value
        return value


conf: Conf = _LazyConf()  # type: ignore[assignment]  # has the attributes of Conf


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "OAUTH":
        conf.__dict__.clear()


if setting_changed is not None:
    setting_changed.connect(_reload)
