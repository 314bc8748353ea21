import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = True
ALLOWED_HOSTS = ["localhost"]

INSTALLED_APPS = [
    "shop",
    "oauth",
    "oauth2_provider",
    "procrastinate.contrib.django",
    "rest_framework",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "oauth.resource_server.middleware.OfferDPoPNonce",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
# Host, port, user and password come from PGHOST, PGPORT, PGUSER and PGPASSWORD.
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ.get("PGDATABASE", "shop")}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "shop.Customer"
LOGIN_URL = "/login/"
LANGUAGE_CODE = "de"
TIME_ZONE = "Europe/Berlin"
STATIC_URL = "static/"

ISSUER = os.environ.get("ISSUER", "http://localhost:8000")
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Client"
OAUTH2_PROVIDER = {
    "APPLICATION_ADMIN_CLASS": "oauth.admin.ClientAdmin",
    "SCOPES_BACKEND_CLASS": "oauth.clients.scopes_backend.DatabaseScopes",
}
OAUTH = {
    "ISSUER": ISSUER,
    "KEY_ENCRYPTION_KEYS": [os.environ["KEY_ENCRYPTION_KEY"]],
    "RESOURCES": {f"{ISSUER}/api": {"name": "Bestellungen"}},
    "SCOPES": {"orders:read": "Ihre Bestellungen sehen"},
    "BRANDING": {"name": "Kaffeekontor", "logo": "shop/logo.svg", "color": "#7a3e12"},
}
