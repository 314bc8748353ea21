"""Run where the packages are installed: imports every module of `oauth`, inside a project with the README's settings."""

import importlib
import pkgutil

import django
from cryptography.fernet import Fernet
from django.conf import settings

settings.configure(
    SECRET_KEY="x" * 50, ROOT_URLCONF="oauth.urls", DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql"}},
    INSTALLED_APPS=[
        "procrastinate.contrib.django", "oauth", "oauth2_provider", "rest_framework", "django.contrib.postgres",
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "django.contrib.staticfiles",
    ],
    OAUTH2_PROVIDER_APPLICATION_MODEL="oauth.Client", OAUTH2_PROVIDER={"APPLICATION_MODEL": "oauth.Client"},
    OAUTH={
        "ISSUER": "https://login.example", "KEY_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
        "RESOURCES": {"https://api.example/v1": {"name": "Orders"}},
    },
)  # fmt: skip
django.setup()

import oauth  # noqa: E402

NEEDS_MORE = (
    "oauth.tracing",
    "oauth.keys.stores.",
    "oauth.resource_server.ninja",
    "oauth.fast_path.machine_middleware",
)
for module in pkgutil.walk_packages(oauth.__path__, "oauth."):
    if not module.name.startswith(NEEDS_MORE):
        importlib.import_module(module.name)
