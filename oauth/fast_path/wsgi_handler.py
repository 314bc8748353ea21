"""A WSGI handler that sends no signals around requests for machine endpoints."""

from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from django.urls import set_script_prefix

from oauth.conf import conf
from oauth.fast_path.headers import stored_in


def wsgi_handler() -> WSGIApplication:
    """Returns Django's handler if OAUTH["FAST_PATH"] is off. Call this after `django.setup()`."""
    return FastWSGIHandler() if conf.FAST_PATH else WSGIHandler()


class FastWSGIHandler(WSGIHandler):
    """Django's handler, which does not send request_started and request_finished for machine endpoints. After a
    streamed response, Django itself sends request_finished.

    The receivers of these signals clear the query log, caches, the URLconf and the request ID, and return the database
    connection to the pool. Only the last is needed here, and this handler does it.
    tests/oauth/fast_path/test_wsgi_handler.py fails if there is any other receiver.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_machine_endpoint = conf.is_machine_endpoint

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if not self.is_machine_endpoint(environ["PATH_INFO"]):
            return super().__call__(environ, start_response)
        request = self.request_class(environ)
        set_script_prefix(request.META["SCRIPT_NAME"])
        response: Any = None
        try:
            response = self.get_response(request)
            cookies = [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
            status = f"{response.status_code} {response.reason_phrase}"
            start_response(status, [*stored_in(response.headers).values(), *cookies])
            if response.streaming:
                response._handler_class = type(self)
                return response
            request.close()
            # granian sends a list at once. For any other iterable, it blocks a thread for each part.
            return [response.content]
        finally:
            if response is None or not response.streaming:  # a streamed response may still read from the database
                close_old_connections()
