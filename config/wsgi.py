"""The WSGI application. Refuses to start on settings that `check --deploy` calls an error."""

import os

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from config.http_cache import PublicAnswers
from config.proxy import WSGIApplication, behind_proxies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application: WSGIApplication = get_wsgi_application()
if settings.PRODUCTION:
    # Here too, not only in `serve`: another WSGI server must not run what `serve` refuses.
    errors = [str(m) for m in checks.run_checks(include_deployment_checks=True) if m.is_serious(checks.ERROR)]
    if errors:
        raise ImproperlyConfigured("\n".join(["These settings are unsafe in production:", *errors]))
application = PublicAnswers(application, paths=settings.PUBLIC_DOCUMENTS)
application = behind_proxies(application, trusted=settings.TRUSTED_PROXIES)
