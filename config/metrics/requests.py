"""Latency and status of every request that reaches Django, by method and route, except probes."""

import time
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

from config.metrics.probes import PROBES

seconds = Histogram(
    "http_request_seconds",
    "Time until the answer to a request begins, by method, route and status. Answers from memory are not included.",
    ["method", "route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
#: Clients may send any method and path, but only these methods and the site's routes become label values.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
_series = cache(seconds.labels)


class MeasuredRequests:
    """The outermost middleware, around both chains."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            return self.get_response(request)
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match is not None else OTHER
        method = request.method if request.method in _METHODS else OTHER
        _series(method, route, response.status_code).observe(time.perf_counter() - began)
        return response
