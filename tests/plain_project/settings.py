"""The settings of the README, and what `startproject` writes."""

import os

import environ

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["testserver"]
DATABASES = {"default": environ.Env().db_url("DATABASE_URL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.plain_project.urls"
LOGIN_URL = "/login/"
INSTALLED_APPS = [
    "procrastinate.contrib.django",
    "oauth",
    "oauth2_provider",
    "rest_framework",
    "django.contrib.postgres",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
STATIC_URL = "static/"
USE_TZ = True

OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Client"
OAUTH2_PROVIDER = {
    "APPLICATION_MODEL": "oauth.Client",
    "APPLICATION_ADMIN_CLASS": "oauth.admin.ClientAdmin",
    "SCOPES_BACKEND_CLASS": "oauth.clients.scopes_backend.DatabaseScopes",
}
OAUTH = {
    "ISSUER": "https://login.example",
    "KEY_ENCRYPTION_KEYS": [os.environ["KEY_ENCRYPTION_KEYS"]],
    "RESOURCES": {"https://api.example/v1": {"name": "Orders"}},
    "SCOPES": {"orders:read": "See your orders"},
}
