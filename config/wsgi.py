"""The WSGI application. Refuses to start on settings that `check --deploy` calls an error."""

import os
import re
from typing import Any

import django
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from django.urls import set_script_prefix

from config.http_cache import PublicAnswers
from config.proxy import WSGIApplication, behind_proxies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Handler(WSGIHandler):
    """Django's, but that around a program's request no request_started and request_finished are sent, unless its answer
    is streamed: then Django sends the second.

    Their receivers forget the log of queries, the caches, the URLconf and the request's id, and give the database's
    connection back: of these, only the last is needed here. They were a seventh of a token's time in Python.
    (`tests/config/test_wsgi.py` knows the receivers, so that none comes by and is not called.)
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_for_programs = re.compile(settings.PROGRAM_URLS_REGEX).match

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if not self.is_for_programs(environ["PATH_INFO"]):
            return super().__call__(environ, start_response)
        request = self.request_class(environ)
        set_script_prefix(request.META["SCRIPT_NAME"])
        response: Any = None
        try:
            response = self.get_response(request)
            cookies = [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
            status = f"{response.status_code} {response.reason_phrase}"
            start_response(status, [*response.headers._store.values(), *cookies])
            if response.streaming:
                response._handler_class = type(self)
                return response
            request.close()
            # A list is sent in one piece; for each part of anything else, granian has a thread wait.
            return [response.content]
        finally:
            if response is None or not response.streaming:  # what is streamed reads the database while it is sent
                close_old_connections()


django.setup(set_prefix=False)
application: WSGIApplication = Handler()
if settings.PRODUCTION:
    # Here too, not only in `serve`: another WSGI server must not run what `serve` refuses.
    errors = [str(m) for m in checks.run_checks(include_deployment_checks=True) if m.is_serious(checks.ERROR)]
    if errors:
        raise ImproperlyConfigured("\n".join(["These settings are unsafe in production:", *errors]))
application = PublicAnswers(application, paths=settings.PUBLIC_DOCUMENTS)
application = behind_proxies(
    application,
    trusted=settings.TRUSTED_PROXIES,
    secrets=settings.PROXY_SECRETS,
    drop_underscores=settings.PROXIES_DROP_UNDERSCORES,
)
