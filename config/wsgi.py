"""The WSGI application. It does not start with settings that `check --deploy` reports as an error."""

import os
from wsgiref.types import WSGIApplication

import django
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from config.server.prefix import below
from config.server.proxy import behind_proxies
from oauth.fast_path.public_answers import with_public_answers
from oauth.fast_path.wsgi_handler import wsgi_handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup()
if settings.PRODUCTION:
    # Here as well as in `serve`, because another WSGI server must not run what `serve` refuses.
    errors = [str(m) for m in checks.run_checks(include_deployment_checks=True) if m.is_serious(checks.ERROR)]
    if errors:
        raise ImproperlyConfigured("\n".join(["These settings are unsafe in production:", *errors]))
application: WSGIApplication = behind_proxies(
    below(settings.URL_PREFIX, with_public_answers(wsgi_handler())),
    trusted=settings.TRUSTED_PROXIES,
    secrets=settings.PROXY_SECRETS,
    drop_underscores=settings.PROXIES_DROP_UNDERSCORES,
)
#: Answers a request that is not run, see config/server/admission.py. Its module needs Django's apps.
overloaded: WSGIApplication = below(settings.URL_PREFIX, import_string("config.http.overload.overloaded"))
