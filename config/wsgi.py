"""The WSGI application. It does not start with settings that `check --deploy` reports as an error."""

import os
from wsgiref.types import WSGIApplication

import django
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from config.metrics.probes import PROBES
from config.server.prefix import below
from config.server.proxy import behind_proxies
from oauth.fast_path.public_answers import with_public_answers
from oauth.fast_path.wsgi_handler import wsgi_handler
from oauth.infrastructure.trace_context import with_trace_context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup()
if settings.PRODUCTION:
    # Here as well as in `serve`, because another WSGI server must not run what `serve` refuses.
    errors = [str(m) for m in checks.run_checks(include_deployment_checks=True) if m.is_serious(checks.ERROR)]
    if errors:
        raise ImproperlyConfigured("\n".join(["These settings are unsafe in production:", *errors]))
_site = below(settings.URL_PREFIX, with_public_answers(wsgi_handler()))
if settings.TRACING:
    # Imported only if tracing is on, because the packages of OpenTelemetry are optional.
    import_string("oauth.tracing.start")()
    _site = import_string("oauth.tracing.traced")(_site, untraced=PROBES)
else:
    _site = with_trace_context(_site)
application: WSGIApplication = behind_proxies(
    _site,
    trusted=settings.TRUSTED_PROXIES,
    secrets=settings.PROXY_SECRETS,
    drop_underscores=settings.PROXIES_DROP_UNDERSCORES,
)


def _without_running(name: str) -> WSGIApplication:
    """An application that refuses a request without running it. Its module needs Django's apps."""
    return with_trace_context(below(settings.URL_PREFIX, import_string(f"config.http.overload.{name}")))


#: See config/server/admission.py and `Limited` of config/server/bodies.py.
overloaded, too_many_logins = _without_running("overloaded"), _without_running("too_many_logins")
#: See `BodiesFirst` of config/server/bodies.py.
too_large = _without_running("too_large")
