"""The WSGI application. Refuses to start on settings that `check --deploy` calls an error."""

import os

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
if settings.PRODUCTION:
    call_command("check", deploy=True, fail_level="ERROR")
# RFC 9700 §4.13: X-Forwarded-For and -Proto count only from the proxies that the operator named.
application = wrap_wsgi_with_proxy_headers(application, trusted_hosts=settings.TRUSTED_PROXIES)
