"""django-oauth-toolkit in a plain project, tuned by settings: a fast hash of client secrets (the default costs 180 ms a
request), a connection pool, and only the middleware of `startproject`.
"""

import environ

SECRET_KEY = "a plain project that is measured"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.peers.dot"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DATABASES = {"default": environ.Env().db_url("DATABASE_URL")}
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
OAUTH2_PROVIDER = {
    "SCOPES": {"openid": "Who you are", "accounts:read": "Accounts", "introspection": "Introspection"},
    "PKCE_REQUIRED": True,
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": environ.Env().str("SIGNING_KEY"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
