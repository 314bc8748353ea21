"""Settings of the site, all from the environment.

`MODE` is `production` unless the environment says `demo` or `test`. Production has
no default for anything secret: a missing value stops the start, and an unsafe one is an Error of `manage.py check
--deploy`, which `manage.py serve` and the WSGI application run before they answer.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import lazy
from django.utils.translation.trans_null import gettext_noop as _  # the other import reads the settings
from pythonjsonlogger.core import RESERVED_ATTRS

from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()  # NAME_FILE=/run/secrets/name works for every NAME

MODE = env.str("MODE", default="production")
if MODE not in ("production", "demo", "test"):
    raise ImproperlyConfigured(f"MODE must be production, demo or test; it is {MODE!r}.")
PRODUCTION = MODE == "production"
DEMO = MODE == "demo"
DEBUG = False

PORT = env.int("PORT", default=8000)
DATA_DIR = Path(env.str("DATA_DIR", default=".demo"))
if not DATA_DIR.is_absolute():
    DATA_DIR = BASE_DIR / DATA_DIR

# --- secrets and identity of this server

SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS")
ISSUER: str = env.str("OAUTH_ISSUER") if PRODUCTION else env.str("OAUTH_ISSUER", default=f"http://localhost:{PORT}")
# The issuer may have a path, such as /id: then all URLs of the site are below it (docs/operating.md, "Below a path").
URL_PREFIX = urlsplit(ISSUER).path
ORIGIN = ISSUER.removesuffix(URL_PREFIX)
FORCE_SCRIPT_NAME = URL_PREFIX or None
MTLS_ORIGIN = env.str("MTLS_ORIGIN", default="")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[host for origin in (ISSUER, MTLS_ORIGIN) if (host := urlsplit(origin).hostname)]
    + ([] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]),
)
IS_HTTPS = ISSUER.startswith("https://")
# RFC 6265bis §4.1.3: `__Host-` requires the path "/". Below a path, other applications of the host must not get our
# cookies, so the path is that of the issuer.
COOKIE_PREFIX = ("__Secure-" if URL_PREFIX else "__Host-") if IS_HTTPS else ""
# Proxies whose headers are used: IP addresses or networks (RFC 9700 §4.13). See config/server/proxy.py.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
# Each of these proxies must mark its element of the Forwarded header with one of these: `by=_SECRET`.
PROXY_SECRETS = env.secrets("PROXY_SECRETS")
# Without secrets: whether the proxies drop header names with underscores, so that X-Forwarded-For has one spelling.
PROXIES_DROP_UNDERSCORES = env.bool("PROXIES_DROP_UNDERSCORES", default=False)
# IP addresses and networks that may read /metrics.
METRICS_NETWORKS = env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1/128"])
# Multiplies every rate limit. Only measurements raise it.
THROTTLE_SCALE = env.float("THROTTLE_SCALE", default=1.0)
# Hosts that the server may call although their IP addresses are private.
OUTBOUND_ALLOWED_HOSTS = env.list("OUTBOUND_ALLOWED_HOSTS", default=[])

# --- applications

INSTALLED_APPS = [
    "procrastinate.contrib.django",
    "config",
    "accounts",
    "banking",
    "oauth",
    "oauth2_provider",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts.apps.BrowsersConfig",  # allauth.usersessions
    "allauth.socialaccount",
    "accounts.upstream",
    "accounts.staff.apps.StaffConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_guid",
]
if not PRODUCTION:
    INSTALLED_APPS.insert(0, "demo")

# OpenTelemetry's own variables turn traces on and say where they go (docs/monitoring.md, "Traces").
TRACING = bool(
    env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="") or env.str("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default="")
)
MIDDLEWARE = [
    *(["oauth.tracing.NamedByRoute"] if TRACING else []),
    "config.metrics.requests.MeasuredRequests",  # wraps both middleware chains
    "config.http.refused_requests.RememberRefusedRequests",
    "oauth.fast_path.machine_chain.MachineEndpointsFirst",  # machine endpoints use MACHINE_MIDDLEWARE instead
    "config.http.at_once.AuthorizeAtOnce",  # answers the usual authorization request
    "django_guid.middleware.guid_middleware",
    "oauth.resource_server.middleware.FAPIInteractionId",
    "django.middleware.security.SecurityMiddleware",
    "config.server.health.ProbeMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.http.middleware.MachineContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "corsheaders.middleware.CorsMiddleware",  # wraps the middleware that may refuse a request
    "config.http.middleware.MalformedRequestMiddleware",  # after XFrameOptions, so that its page cannot be framed
    "oauth.resource_server.middleware.OfferDPoPNonce",
    "config.http.middleware.PrivatePageMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.http.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "accounts.login.own_forms.OwnFormsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.browsers.authentication.AuthenticationMiddleware",
    "accounts.browsers.time_zone.TimeZoneMiddleware",
    "config.http.middleware.FormLimitMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.login.form_action.FormActionMiddleware",
    "accounts.login.next_url.KeepNextMiddleware",
    "accounts.login.pending_login.PendingLoginMiddleware",
    "accounts.login.after_response.AfterResponseMiddleware",
    "config.http.middleware.OutageMiddleware",
    "config.http.middleware.ImpossibleValueMiddleware",
    "config.http.middleware.ButtonOnlyMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {
                "staff_home": "config.bank.staff_home",
                "user_tab_list": "config.workplace.user_tab_list",
            },
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "accounts.pages.context_processors.asking_client",
                "accounts.pages.context_processors.is_suspected",
                "accounts.pages.context_processors.time_zone_cookie",
            ],
        },
    }
]

# Off: plain Django, with none of the optimizations of oauth/fast_path/README.md.
FAST_PATH = env.bool("FAST_PATH", default=True)

# --- database: PostgreSQL only


def _database(variable: str, **session: str) -> dict[str, Any]:
    """`session` has further settings of PostgreSQL for each connection."""
    database: dict[str, Any] = env.db_url(variable)
    if database["ENGINE"] == "django.db.backends.postgresql":
        database["ENGINE"] = "config.database.postgresql"  # uses oauth.fast_path.postgresql if FAST_PATH is on
    timeouts = {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s"}
    session = {name: env.str(name.upper(), default=default) for name, default in timeouts.items()} | session
    return database | {
        "ATOMIC_REQUESTS": False,
        "CONN_HEALTH_CHECKS": True,
        # A pooler that gives each transaction another connection loses server-side cursors.
        "DISABLE_SERVER_SIDE_CURSORS": not env.bool("DB_SERVER_SIDE_CURSORS", default=True),
        "OPTIONS": {
            **database.get("OPTIONS", {}),
            # If the pool is exhausted, the request is answered 503 soon instead of waiting.
            "pool": {
                "min_size": env.int("DB_POOL_MIN", default=1),
                "max_size": env.int("DB_POOL_MAX", default=8),
                "timeout": env.float("DB_POOL_TIMEOUT", default=1.0),
                # Requests beyond this number are refused immediately, because each waiting request occupies a thread,
                # whose slot other requests use meanwhile (config/server/lending.py).
                "max_waiting": env.int("DB_POOL_MAX_WAITING", default=32),
                # A failed connection is tried once more at once, and then when the next request needs one and the
                # breaker (config/database) is closed. psycopg's own pauses would double up to minutes.
                "reconnect_timeout": 0.0,
            },
            # Hand-written SQL is prepared once per connection. pgbouncer before 1.22 in transaction mode does not
            # support prepared statements: DB_PREPARED_STATEMENTS=off.
            "prepare_threshold": 5 if env.bool("DB_PREPARED_STATEMENTS", default=True) else None,
            "connect_timeout": 2,
            # A connection to an unreachable host fails after this time; Linux only.
            "tcp_user_timeout": 10_000,
            "application_name": "countersign",
            "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
        },
    }


DATABASES = {"default": _database("DATABASE_URL")}
# A standby for reads whose data may be up to a second old (config/database/replica). With older data, the site does
# not read from it.
REPLICA_MAX_AGE: float = env.float("REPLICA_MAX_AGE", default=1.0)
if env.str("DATABASE_REPLICA_URL", default=""):
    DATABASES["replica"] = _database("DATABASE_REPLICA_URL", default_transaction_read_only="on")
    DATABASE_ROUTERS = ["config.database.replica.router.ReplicaRouter"]
    _inside = MIDDLEWARE.index("accounts.browsers.authentication.AuthenticationMiddleware") + 1
    MIDDLEWARE.insert(_inside, "config.database.replica.written.MarkWritten")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The watch of the database (config/database), in seconds: how long its probe may take, and how long a statement may
# have no answer before the site ends it. The second time must be longer than STATEMENT_TIMEOUT.
DB_PROBE_TIMEOUT: float = env.float("DB_PROBE_TIMEOUT", default=1.0)
DB_STATEMENT_DEADLINE: float = env.float("DB_STATEMENT_DEADLINE", default=8.0)

# Shared by all worker processes: Valkey or Redis if CACHE_URL names one, otherwise a table.
CACHES = {"default": env.cache_url("CACHE_URL", default="dbcache://shared_cache")}
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache":
    CACHES["default"]["BACKEND"] = "config.table_cache.TableCache"
elif CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["BACKEND"] = "config.shared_cache.SharedCache"

# --- users

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "accounts.passwords.argon2.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
# OWASP's parameters for Argon2id; accounts.passwords.argon2 lists the others that OWASP recommends.
PASSWORD_HASH_MEMORY_KIB: int = env.int("PASSWORD_HASH_MEMORY_KIB", default=19_456)
PASSWORD_HASH_PASSES: int = env.int("PASSWORD_HASH_PASSES", default=2)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwords.strength.GuessableValidator"},
]
LOGIN_URL = f"{URL_PREFIX}/accounts/login/"
LOGIN_REDIRECT_URL = f"{URL_PREFIX}/"
USERSESSIONS_ADAPTER = "accounts.browsers.sessions.SessionsAdapter"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.login.sign_up_form.SignupForm"
ACCOUNT_FORMS = {
    "change_password": "accounts.passwords.forms.NewPasswordForm",
    "set_password": "accounts.passwords.forms.FirstPasswordForm",
    "login": "accounts.login.password_form.PasswordForm",
    "signup": "accounts.addresses.forms.NewUserForm",
    "reset_password": "accounts.addresses.forms.ForgottenPasswordForm",
    "request_login_code": "accounts.addresses.forms.CodeByMailForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.passwords.reset_links.ResetLinks"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PREVENT_ENUMERATION = True  # ASVS 5.0 6.3.8
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
# A login by a code in an email needs the mailbox, as a password reset does. The code is never a second factor.
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600
# Changes of how a user logs in need a login or reauthentication in the last minutes (ASVS 5.0 7.5.1).
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# “code” is left out: somebody with a session and the mailbox, but without a second factor, must not change how the user
# logs in.
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")
ACCOUNT_EMAIL_NOTIFICATIONS = True  # sent by the worker, see accounts/adapter.py
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"


def _scaled(*rates: tuple[int, str]) -> str:
    """Allauth's notation for rate limits, each count multiplied by THROTTLE_SCALE."""
    return ",".join(f"{max(1, round(count * THROTTLE_SCALE))}/{per}" for count, per in rates)


ACCOUNT_RATE_LIMITS = {
    # Counted in accounts/login/pages.py, and failures in accounts/login/guessing.py.
    "login": None,
    # Counts second factors only.
    "login_failed": _scaled((5, "5m/key")),
    "signup": _scaled((20, "m/ip")),
    # Per email address. The wait that the page shows is in accounts/login/resending.py.
    "confirm_email": _scaled((1, "m/key")),
    # accounts/addresses/mail_limit.py counts the emails to one address, for all pages together.
    "reset_password": _scaled((20, "m/ip")),
    "reset_password_from_key": _scaled((20, "m/ip")),
    "change_password": _scaled((5, "m/user")),
    "manage_email": _scaled((10, "m/user")),
    "reauthenticate": _scaled((10, "m/user")),
    "request_login_code": _scaled((20, "m/ip")),
}

# Users choose whether to use a second factor. A passkey is two factors in one.
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Keys of authenticator apps and seeds of recovery codes are encrypted under KEY_ENCRYPTION_KEYS.
MFA_ADAPTER = "accounts.second_factors.stored_secrets.SecondFactorAdapter"
MFA_FORMS = {
    "add_webauthn": "accounts.second_factors.passkey_form.AddPasskeyForm",
    "activate_totp": "accounts.second_factors.forms.SetUpAppForm",
    "authenticate": "accounts.second_factors.forms.SecondStepForm",
    "reauthenticate": "accounts.second_factors.forms.ProveAgainForm",
    "login_webauthn": "accounts.second_factors.forms.PasskeyLoginForm",
    "authenticate_webauthn": "accounts.second_factors.forms.PasskeySecondStepForm",
    "reauthenticate_webauthn": "accounts.second_factors.forms.PasskeyProofForm",
}
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # the device verifies its user, so that a stolen key is useless
MFA_TOTP_TOLERANCE = 1  # the clock of a phone may be 30 seconds off
# The next logins in a trusted browser need no second factor, and their acr does not claim one.
MFA_TRUST_ENABLED = True
MFA_TRUST_COOKIE_AGE = timedelta(days=30)
MFA_TRUST_COOKIE_NAME = f"{COOKIE_PREFIX}trusted"

# The navigation beside each page of the admin, grouped by task.
ADMIN_NAVIGATION: list[tuple[str, list[str]]] = [
    (_("Users"), [
        "accounts.User", "accounts.NewEmail", "accounts.FormerUser", "auth.Group", "mfa.Authenticator",
        "socialaccount.SocialAccount", "socialaccount.SocialApp",
    ]),
    (_("Clients"), [
        "oauth.Client", "oauth.ClientReview", "oauth.Authorization", "banking.Consent", "oauth.Scope",
        "oauth.InitialAccessToken", "oauth.NewRedirectHost", "banking.Webhook", "banking.WebhookDelivery",
    ]),
    (_("Accounts"), [
        "banking.Account", "banking.AccountApplication", "banking.AccountChange", "banking.AccountCharge",
        "banking.Product",
    ]),
    (_("Payments"), [
        "banking.Transfer", "banking.ScheduledTransfer", "banking.Exchange", "banking.ExchangeRate", "banking.Hold",
        "banking.Mandate", "banking.DirectDebitRefund", "banking.Payee", "banking.Merchant",
        "banking.TransactionQuestion",
    ]),
    (_("Books"), [
        "banking.LedgerTransaction", "banking.ReversalRequest", "banking.BankDay", "banking.SchemeMessage",
        "banking.SettlementFile", "banking.SettlementDifference",
    ]),
    (_("Keys and branding"), ["oauth.SigningKey", "oauth.Branding"]),
    (_("Log"), [
        "oauth.AuditEvent", "oauth.RefusedRequest", "oauth.RefusalCount", "banking.AccessCount",
        "procrastinate.ProcrastinateJob",
    ]),
]  # fmt: skip
# Staff need a login with a second factor to use the admin, and must have authenticated recently to change something.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=PRODUCTION)
STAFF_PROOF_MAX_AGE = timedelta(seconds=env.int("STAFF_PROOF_MAX_AGE_SECONDS", default=600))

# Other identity providers, which admins register; see accounts/upstream.
SOCIALACCOUNT_FORMS = {"signup": "accounts.addresses.forms.NewUpstreamUserForm"}
SOCIALACCOUNT_ADAPTER = "accounts.upstream.adapter.UpstreamAdapter"

# The sections of "Download my data": functions (user) -> (section, rows) pairs, in this order.
PERSONAL_DATA = [
    "accounts.pages.personal_data.of_user",
    "accounts.pages.personal_data.of_apps",
    "banking.accounts.personal_data.export",
]

# A function (user) -> bool: whether others rely on the user's name. If so, users cannot change their name themselves.
NAME_IS_KEPT = "banking.account_life.naming.is_name_of_a_holder"

# Classes with the methods of accounts.closing.parts.Part: what must be done before a user account is closed, what ends
# with it, and whose identity the law requires the site to keep. They are called in this order.
CLOSING_PARTS = ["accounts.closing.login_and_apps.LoginAndApps", "banking.account_life.leaving.LeavingTheBank"]
# Name and email of a customer who has left (Directive (EU) 2015/849 art. 40: five years).
FORMER_USERS_KEPT = timedelta(days=env.int("FORMER_USERS_KEPT_DAYS", default=1827))

# --- the bank

# The time zone that decides when a day and a month begin: for statements, orders and limits. The admin shows times in
# this zone, and so do pages for a user whose own zone is unknown. An IANA name.
BANK_TIME_ZONE: str = env.str("BANK_TIME_ZONE", default="UTC")


def _by_currency(text: str) -> dict[str, Any]:
    """`GBP=1000000,JPY=2000000`. A value that is not a whole number stays as it is; the check banking.E002 reports
    it.
    """
    pairs = (entry.strip().partition("=") for entry in text.split(",") if entry.strip())
    return {code: int(amount) if amount.isascii() and amount.isdigit() else amount for code, _sign, amount in pairs}


# The bank's limits are in minor units of each currency. A payment in a currency without an entry always needs a fresh
# login, and cannot go to a new payee.
_LIMITS = "GBP=1000000,EUR=1200000,USD=1300000,CHF=1200000,JPY=2000000"
# Transfers need a fresh login once their sum in 24 hours reaches this amount (RFC 9470).
STEP_UP_AMOUNT_MINOR: dict[str, int] = _by_currency(env.str("STEP_UP_AMOUNT_MINOR", default=_LIMITS))
# Transactions older than this need a fresh login as well (SCA-RTS art. 10).
HISTORY_WITHOUT_STEP_UP = timedelta(days=env.int("HISTORY_WITHOUT_STEP_UP_DAYS", default=90))
STEP_UP_MAX_AGE = timedelta(seconds=env.int("STEP_UP_MAX_AGE_SECONDS", default=600))

# The public client that /api/docs logs in with. The demo has one.
API_DOCS_CLIENT_ID = env.str("API_DOCS_CLIENT_ID", default="" if PRODUCTION else "demo-docs")
# GET /consent lists at most this many accounts; GET /accounts lists all, in pages.
BANK_MOST_LISTED_ACCOUNTS = 200
# A payee counts as new for this period, in which all new payees of a user together may get this amount.
NEW_PAYEE_PERIOD = timedelta(hours=env.int("NEW_PAYEE_HOURS", default=24))
NEW_PAYEE_LIMIT_MINOR: dict[str, int] = _by_currency(env.str("NEW_PAYEE_LIMIT_MINOR", default=_LIMITS))
# Scheduled transfers and standing orders that one user may have at a time.
BANK_MOST_ORDERS = env.int("BANK_MOST_ORDERS", default=50)
# After an outage, missed payments of orders are made for this number of days; older ones are not made.
BANK_CATCH_UP_DAYS = env.int("BANK_CATCH_UP_DAYS", default=5)
# An account from which nothing was paid for that many days becomes dormant; 0 for never. In the demo, accounts have two
# years of entries, but no user has made a payment yet.
BANK_DORMANT_DAYS = env.int("BANK_DORMANT_DAYS", default=0 if DEMO else 730)
# A rate applies for that many hours, so that it lasts over a weekend; 0 means no limit. Nobody sets rates in the demo.
EXCHANGE_RATE_HOURS = env.int("EXCHANGE_RATE_HOURS", default=0 if DEMO else 72)
# The calendar whose holidays are not business days: a country or a part of it (GB-ENG), or ECB. Empty: only weekends.
BANK_HOLIDAYS = env.str("BANK_HOLIDAYS", default="")
# The apps behind orders: a function (user_id, client_ids) -> {client_id: App}; see banking/consents/apps.py.
BANK_APPS = "config.bank.apps.find_apps"
# Removes an account from what a user allowed apps: a function (user_id, remaining), where remaining(detail) returns the
# remaining detail or None.
BANK_CONSENTS_ENDED = "config.bank.ended_consents.narrow"
# The access journal counts the reads of apps in memory, and stores the counts after that many seconds. A killed process
# loses at most these. 0: only when the process stops.
BANK_JOURNAL_SECONDS = env.float("BANK_JOURNAL_SECONDS", default=5)
# Records the actions of the bank's officers: a function (act, officer=, about=, reason=).
BANK_AUDIT_LOG = "config.bank.audit.record"
# The time of the last login or reauthentication in this browser: a function (request) -> datetime.
BANK_LOGGED_IN_AT = "accounts.login.authentication_context.logged_in_at"
# Signs the messages to webhooks: a function (content, typ=) -> detached JWS.
WEBHOOK_SIGNER = "oauth.tokens.signing.sign_detached"
# Signs the digests of the ledger, which each audit logs and appends to a file outside of the database, if one is named.
LEDGER_SIGNER = "oauth.tokens.signing.sign_detached"
# Whether one of our keys signed a digest at a given time: a function (content, detached JWS, typ=, at=) -> bool.
LEDGER_VERIFIER = "oauth.tokens.detached.is_ours"
LEDGER_DIGEST_FILE: str = env.str("LEDGER_DIGEST_FILE", default="")
# The class that pays other banks; see banking/payments/scheme.py. Empty: no other bank can be paid.
PAYMENT_SCHEME = env.str("PAYMENT_SCHEME", default="" if PRODUCTION else "banking.second_bank.SecondBank")
# Whether this is a site without real money, where the simulated second bank may run.
BANK_SANDBOX = env.bool("BANK_SANDBOX", default=not PRODUCTION)

# --- mail

EMAIL_CONFIG = (
    env.email_url("EMAIL_URL")
    if PRODUCTION
    else env.email_url("EMAIL_URL", default="memorymail://" if MODE == "test" else f"filemail://{DATA_DIR}/mail")
)
vars().update(EMAIL_CONFIG)
if DEMO and EMAIL_CONFIG["EMAIL_BACKEND"].endswith("filebased.EmailBackend"):
    EMAIL_FILE_PATH = DATA_DIR / "mail"
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    EMAIL_BACKEND = "accounts.addresses.mail_server.EmailBackend"
# For each answer of the mail server; for all of them together while a request waits.
EMAIL_TIMEOUT = 5


def _sender() -> str:
    """The name of the site, which staff can change while it runs."""
    from oauth.pages import brand

    return brand.sender(f"no-reply@{urlsplit(ISSUER).hostname}")


DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="") or lazy(_sender, str)()
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- the authorization server: see oauth/conf.py for every name, its unit and its source

MACHINE_ENDPOINTS = (
    r"^/(api/v1(/|$)|\.well-known/|oauth/(token|introspect|revoke|par|userinfo|jwks|status|register|grants"
    r"|device_authorization|backchannel_authentication|verify)(/|$))"
)

OAUTH = {
    "ISSUER": ISSUER,
    "KEY_ENCRYPTION_KEYS": env.words("KEY_ENCRYPTION_KEYS"),
    "KEY_STORES": env.json("KEY_STORES", {}),
    "KEY_STORE": env("KEY_STORE", default=""),
    "FAST_PATH": FAST_PATH,
    "TRACING": TRACING,
    # Machine endpoints read no cookie and render no page.
    "MACHINE_ENDPOINTS": MACHINE_ENDPOINTS,
    "MACHINE_MIDDLEWARE": [
        "oauth.resource_server.middleware.FAPIInteractionId",
        "oauth.resource_server.middleware.OfferDPoPNonce",
        "oauth.fast_path.machine_middleware.MachineMiddleware",
        "config.http.middleware.MalformedRequestMiddleware",
        "config.http.middleware.OutageMiddleware",
    ],
    "THROTTLE_SCALE": THROTTLE_SCALE,
    "REFUSED_REQUESTS_INTERVAL": timedelta(seconds=env.float("REFUSED_REQUESTS_SECONDS", default=2)),
    "OUTBOUND_ALLOWED_HOSTS": OUTBOUND_ALLOWED_HOSTS,
    "PAIRWISE_SUBJECT_KEY": env.str("PAIRWISE_SUBJECT_KEY", default=""),
    "REAUTHENTICATION_URL": f"{URL_PREFIX}/accounts/reauthenticate/",
    "STEP_UP_URL": f"{URL_PREFIX}/accounts/stronger/",
    # A proxy of TRUSTED_PROXIES terminates mutual TLS (RFC 8705) and passes the certificate on in `Forwarded`.
    "CLIENT_CERTIFICATE": "config.server.proxy.client_certificate" if env.bool("MUTUAL_TLS", default=False) else None,
    "CLIENT_CERTIFICATE_AUTHORITIES": env.str("CLIENT_CERTIFICATE_AUTHORITIES", default="", multiline=True),
    "MTLS_ORIGIN": MTLS_ORIGIN,
    # Off in the demo, which has only one admin.
    "SECOND_ADMIN_FOR_REDIRECT_HOSTS": env.bool("SECOND_ADMIN_FOR_REDIRECT_HOSTS", default=not DEMO),
    "ALLOW_IMPLICIT": env.bool("ALLOW_IMPLICIT", default=False),
    "ALLOW_CLIENT_ID_METADATA_DOCUMENTS": env.bool("ALLOW_CLIENT_ID_METADATA_DOCUMENTS", default=False),
    "SIGNING_ALGORITHM": env.str("SIGNING_ALGORITHM", default="ES256"),
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=env.int("ACCESS_TOKEN_LIFETIME_SECONDS", default=300)),
    "AUTHENTICATION_CONTEXT": "accounts.login.authentication_context.from_session",
    "USER_CLAIMS": "accounts.user_claims.claims_of",
    "USER_LANGUAGE": "accounts.notices.language_of",
    "USER_TIME_ZONE": "accounts.notices.time_zone_of",
    "RESOURCES": {f"{ISSUER}/api/v1": {"name": "Bank API", "path": "/api/v1", "example": "/accounts"}},
    "RESOURCE_SERVER_CLIENTS": {f"{ISSUER}/api/v1": env.list("RESOURCE_SERVER_CLIENTS", default=[])},
    "BRANDING": {"name": "Countersign", "logo": "logo.svg"},
    "SCOPES": {
        "openid": _("Confirm who you are"),
        "profile": _("See your name and language"),
        "email": _("See your email address"),
        "offline_access": _("Keep this access when you are not using the app"),
        "accounts:read": _("See your accounts, with account numbers partly hidden"),
        "accounts:detail": _("See your full account numbers"),
        "party:read": _("See your name as the bank knows it"),
        "balances:read": _("See your balances"),
        "transactions:read": _("See your transactions"),
        "statements:read": _("Read your statements"),
        "funds:confirm": _("Check whether an amount is available in your account"),
        "direct-debits:read": _("See who may collect money from your accounts"),
        "direct-debits:write": _("Cancel direct debits, and ask for the money back"),
        "transfers:read": _("See your transfers"),
        "transfers:write": _("Make transfers from your accounts"),
        "payees:read": _("See the payees you have saved"),
        "payees:write": _("Add and remove payees"),
        "grant_management_query": _("See the access you gave it"),
        "grant_management_revoke": _("Give up the access you gave it"),
        "webhooks:manage": _("Be notified when something happens in your accounts"),
    },
    "AUTHORIZATION_DETAILS_TYPES": {
        "account_information": "banking.consents.account_information.AccountInformation",
        "transfer": "banking.payments.consent_to_transfer.ConsentToTransfer",
    },
    "DETAILS_OF_SCOPES": {"account_access": "banking.consents.account_access.AccountAccess"},
    "DEVELOPERS": "config.bank.developers.BankDevelopers",
    "APP_ACTIVITY": "banking.journal.of_app",
    "LEFT_BY_APPS": ["banking.orders.left_by_apps.Orders"],
    # The permissions of the admin's roles for users and the bank.
    "ADMIN_ROLES": {
        "Support": [
            "accounts.view_user",
            "accounts.view_formeruser",
            "mfa.view_authenticator",
            "mfa.delete_authenticator",
            "usersessions.delete_usersession",
            "banking.view_transactionquestion",
            "banking.answer_transactionquestion",
        ],
        "Auditor": [
            "accounts.view_user",
            "accounts.view_formeruser",
            "mfa.view_authenticator",
            "banking.view_accesscount",
            "banking.view_account",
            "banking.view_accountaccess",
            "banking.view_accountapplication",
            "banking.view_accountchange",
            "banking.view_accountcharge",
            "banking.view_bankday",
            "banking.view_consent",
            "banking.view_directdebitrefund",
            "banking.view_exchange",
            "banking.view_exchangerate",
            "banking.view_hold",
            "banking.view_mandate",
            "banking.view_ledgerentry",
            "banking.view_ledgertransaction",
            "banking.view_merchant",
            "banking.view_payee",
            "banking.view_product",
            "banking.view_reversalrequest",
            "banking.view_scheduledtransfer",
            "banking.view_schememessage",
            "banking.view_settlementdifference",
            "banking.view_settlementfile",
            "banking.view_transactionquestion",
            "banking.view_transfer",
            "banking.view_webhook",
            "banking.view_webhookdelivery",
            "procrastinate.view_procrastinateevent",
            "procrastinate.view_procrastinatejob",
        ],
    },
    "ADMIN_PANELS": ["config.bank.admin_panels.ledger", "config.bank.admin_panels.backlog"],
}

OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Client"
OAUTH2_PROVIDER = {
    "APPLICATION_MODEL": "oauth.Client",
    "APPLICATION_ADMIN_CLASS": "oauth.admin.ClientAdmin",
    "SCOPES_BACKEND_CLASS": "oauth.clients.scopes_backend.DatabaseScopes",
    "PKCE_REQUIRED": True,
    "ALLOW_URI_WILDCARDS": False,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    # RFC 8252 §7.3: native apps receive the code on http://127.0.0.1. Client.clean() allows http nowhere else.
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": False,
}
SILENCED_SYSTEM_CHECKS = ["oauth2_provider.W008"]  # as above: Client.clean() allows loopback only

# --- the API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["oauth.resource_server.JWTBearer"],
    "DEFAULT_PERMISSION_CLASSES": ["oauth.resource_server.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["oauth.resource_server.ThrottleToken"],
    "DEFAULT_RENDERER_CLASSES": ["banking.api.json.Renderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "banking.api.negotiation.Negotiation",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "banking.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # ?format= is an unknown parameter, like any other
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Bank API",
    "VERSION": "1",
    "DESCRIPTION": "Ask for access with OAuth 2.1: the authorization code with PKCE, tokens that are valid for minutes "
    "and, if you can, DPoP. Amounts are integers in minor units. Errors are problem documents "
    "([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) whose `code` never changes.\n\nopenapi-generator, "
    "openapi-python-client and openapi-typescript make clients from this document. For Kotlin, set "
    "`serializationLibrary=kotlinx_serialization` and `generateOneOfAnyOfWrappers=true`.",
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": f"{ISSUER}/api/v1"}],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "COMPONENT_SPLIT_PATCH": False,
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": [],  # enumerations stay where they are used
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # tests/banking/test_openapi.py checks the document
}

# --- pages and static files

STATIC_URL = f"{URL_PREFIX}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None  # otherwise they are served from their sources
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
# Statements of more rows are files that the background worker makes (docs/operating.md, "Long statements").
STATEMENT_FILE_ROWS = env.int("STATEMENT_FILE_ROWS", default=10_000)
# The place of these files: a directory that all machines share, or another storage of Django with its options. No URL
# reaches it.
FILES_DIR = env.str("FILES_DIR", default=str(DATA_DIR / "files") if DEMO else "")
FILES_STORAGE = env.str("FILES_STORAGE", default="django.core.files.storage.InMemoryStorage" if MODE == "test" else "")
FILES_STORAGE_OPTIONS = env.json("FILES_STORAGE_OPTIONS", {})
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
        # The server has another user than collectstatic, whose umask may hide the directories from it.
        "OPTIONS": {"directory_permissions_mode": 0o755},
    },
}
if FILES_STORAGE:
    STORAGES["files"] = {"BACKEND": FILES_STORAGE, "OPTIONS": FILES_STORAGE_OPTIONS}
elif FILES_DIR:
    STORAGES["files"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": FILES_DIR,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch"), ("zh-hans", "简体中文")]  # each in its own language
LOCALE_PATHS = [BASE_DIR / "locale"]  # of templates/ and config/; each app has its own
TIME_ZONE = BANK_TIME_ZONE
USE_I18N = True
USE_TZ = True
# The admin's English, whose times have seconds and a zone (config.formats).
ADMIN_LANGUAGE_CODE = "en-001"
FORMAT_MODULE_PATH = "config.formats"

# --- security headers and limits

SESSION_ENGINE = "accounts.browsers.session_store"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}session"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrf"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = URL_PREFIX or "/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = IS_HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SECURE_SSL_REDIRECT = IS_HTTPS and env.bool("SSL_REDIRECT", default=True)
# A gateway calls /oauth/verify inside of the network. It would treat a redirect as an error, or pass it on to its
# client.
SECURE_REDIRECT_EXEMPT = [rf"^({re.escape(URL_PREFIX[1:])}/)?(health/|metrics$|oauth/verify(/|$))"]
SECURE_HSTS_SECONDS = int(timedelta(days=730).total_seconds()) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.http.errors.form_expired"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
USE_X_FORWARDED_HOST = False

# Browser apps of any origin may call endpoints that use no cookies, but never a page (RFC 9700 §2.6).
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = False
# /oauth/verify is left out: a browser's preflight is for the gateway, and an answer of 200 would let the request pass.
CORS_URLS_REGEX = rf"^(?!/oauth/verify)({MACHINE_ENDPOINTS}|^/api/schema$)"
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
# Any header: none of these endpoints uses a cookie, and SDKs and tracers add headers of their own. The list names the
# usual ones for browsers without the wildcard, and `authorization`, which the wildcard does not cover (Fetch §4.8).
CORS_ALLOW_HEADERS = [
    "*", "accept", "authorization", "baggage", "cache-control", "content-type", "dpop", "idempotency-key", "if-match",
    "if-modified-since", "if-none-match", "last-event-id", "mcp-protocol-version", "mcp-session-id", "pragma", "prefer",
    "sentry-trace", "traceparent", "tracestate", "x-client-sku", "x-client-ver", "x-fapi-auth-date",
    "x-fapi-customer-ip-address", "x-fapi-interaction-id", "x-request-id", "x-requested-with",
]  # fmt: skip
CORS_EXPOSE_HEADERS = [
    "dpop-nonce", "etag", "idempotent-replayed", "link", "location", "preference-applied", "ratelimit",
    "ratelimit-policy", "retry-after", "www-authenticate", "x-error-id", "x-fapi-interaction-id", "x-request-id",
]  # fmt: skip
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000  # a user may tick many accounts

# --- logs: one JSON object per line, with the request id, which django-guid creates if the caller sent none, and the
# trace id, if the caller sent a `traceparent` (W3C Trace Context) or this site traces

PROCRASTINATE_ON_APP_READY = "oauth.operations.job_origin.remember_origins"

DJANGO_GUID = {
    "GUID_HEADER_NAME": "X-Request-Id",
    "VALIDATE_GUID": True,
    "RETURN_HEADER": True,
    "EXPOSE_HEADER": False,
    "UUID_LENGTH": 32,
}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "django_guid.log_filters.CorrelationId", "correlation_id_field": "request_id"},
        "trace_id": {"()": "oauth.infrastructure.trace_context.TraceId"},
        "without_arguments": {"()": "oauth.operations.job_log.WithoutArguments"},
    },
    "formatters": {
        "json": {
            "()": "config.log_lines.JsonLines",
            "fmt": "{levelname}{name}{request_id}{trace_id}{message}",
            "style": "{",
            "timestamp": "at",
            "rename_fields": {"levelname": "level", "name": "logger"},
            # ASVS 5.0 10.1.1: Django adds the request to the record of a refused request. Its text contains the query,
            # and so authorization codes.
            "reserved_attrs": [*RESERVED_ATTRS, "request", "sql", "params"],
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["request_id", "trace_id", "without_arguments"],
        },
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django_guid": {"level": "WARNING"},
        **{f"procrastinate.{name}": {"level": "WARNING"} for name in ("blueprints", "periodic")},  # log each task
        "django.server": {"handlers": ["stderr"], "propagate": False},
    },
}
