"""Run in its own process: serves the project of DJANGO_SETTINGS_MODULE on PORT."""

import os
from wsgiref.simple_server import WSGIRequestHandler

from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = ThreadedWSGIServer(("127.0.0.1", int(os.environ["PORT"])), Handler, ipv6=False)
server.set_app(get_wsgi_application())
server.serve_forever()
