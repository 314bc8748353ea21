"""The settings after the migration of docs/migrating_from_dot.md. The old database is also there as an alias, for
another project.
"""

import os

import environ

from tests.dot_project.settings import *  # noqa: F403
from tests.dot_project.settings import DATABASES, INSTALLED_APPS

ROOT_URLCONF = "tests.dot_project.moved_urls"
INSTALLED_APPS = [
    "procrastinate.contrib.django",
    "oauth",
    *INSTALLED_APPS,
    "django.contrib.postgres",
    "django.contrib.staticfiles",
]
if "OLD_DATABASE_URL" in os.environ:
    DATABASES = {**DATABASES, "old": environ.Env().db_url("OLD_DATABASE_URL")}
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Client"
OAUTH2_PROVIDER = {
    "APPLICATION_MODEL": "oauth.Client",
    "APPLICATION_ADMIN_CLASS": "oauth.admin.ClientAdmin",
    "SCOPES_BACKEND_CLASS": "oauth.clients.scopes_backend.DatabaseScopes",
}
OAUTH = {
    "ISSUER": os.environ["ISSUER"],
    "KEY_ENCRYPTION_KEYS": [os.environ["KEY_ENCRYPTION_KEYS"]],
    "RESOURCES": {"https://api.example/v1": {"name": "Orders"}},
    "SCOPES": {"orders:read": "See your orders", "orders:write": "Change your orders"},
    "OPAQUE_TOKENS": "oauth.status.imported_access_tokens.find_live",
}
