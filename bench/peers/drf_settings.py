"""Countersign's settings and database, with DRF and SimpleJWT configured as in their documentation."""

from datetime import timedelta

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.peers.drf"
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(hours=1)}
