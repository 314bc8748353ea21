"""Machine endpoints are answered as Django answers them, but without the signals around a request."""

import pytest
from django.core.cache import close_caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import get_script_prefix
from django.utils.datastructures import MultiValueDict
from django_guid.signals import clear_guid

from oauth.fast_path.wsgi_handler import FastWSGIHandler
from tests.lib.wsgi import ask, ask_for_all, environ_of

MACHINE_ENDPOINT, PAGE = "/oauth/introspect", "/accounts/login/"


def test_the_signals_that_are_not_sent_have_no_receivers_but_these():
    """For a new receiver, decide whether machine endpoints need it: see `FastWSGIHandler`."""
    known = {request_started: {reset_queries, close_old_connections},
             request_finished: {close_caches, close_old_connections, reset_urlconf, clear_guid}}  # fmt: skip
    for signal, receivers in known.items():
        synchronous, asynchronous = signal._live_receivers(None)
        assert (set(synchronous), asynchronous) == (receivers, [])


@pytest.fixture
def sent():
    """Records the names of the signals that are sent."""
    names = []
    receivers = {request_started: lambda **_: names.append("started"),
                 request_finished: lambda **_: names.append("finished")}  # fmt: skip
    for signal, receiver in receivers.items():
        signal.connect(receiver)
    yield names
    for signal, receiver in receivers.items():
        signal.disconnect(receiver)


def test_a_machine_endpoint_returns_the_database_connection_before_its_answer_is_sent(handler, sent, db):
    answer = handler(environ_of(REQUEST_METHOD="POST", PATH_INFO=MACHINE_ENDPOINT), lambda *said: None)
    assert isinstance(answer, list)
    assert (handler.given_back, sent) == (1, [])


def test_a_page_sends_both_signals(handler, sent, db):
    assert ask(handler, PATH_INFO=PAGE)[0] == "200 OK"
    assert (handler.given_back, sent) == (1, ["started", "finished"])


@pytest.mark.django_db(transaction=True)
def test_the_connection_is_given_back_indeed(signing_keys):
    connection.ensure_connection()
    ask(FastWSGIHandler(), PATH_INFO="/oauth/jwks")
    assert connection.connection is None


def _with_a_cookie():
    response = HttpResponse("é", status=201, reason="Made", headers={"X-Extra": "1"})
    response.set_cookie("name", "value", httponly=True)
    response.set_cookie("other", "value")
    return response


@pytest.mark.parametrize(
    "response",
    [
        lambda: JsonResponse({"a": 1}),
        lambda: HttpResponse(b"", status=404),
        lambda: HttpResponse([b"a", b"b"], content_type="text/plain", headers={"Vary": "origin"}),
        lambda: StreamingHttpResponse(iter([b"a", b"b"])),
        _with_a_cookie,
    ],
)
def test_the_handler_sends_the_same_response_as_django(handler, response):
    djangos = WSGIHandler()
    handler.get_response = djangos.get_response = lambda request: response()
    assert ask_for_all(handler, PATH_INFO=MACHINE_ENDPOINT) == ask_for_all(djangos, PATH_INFO=MACHINE_ENDPOINT)


def test_a_streamed_response_keeps_the_connection_until_it_is_sent(handler, sent):
    handler.get_response = lambda request: StreamingHttpResponse(iter([b"a"]))
    answer = handler(environ_of(PATH_INFO=MACHINE_ENDPOINT), lambda *said: None)
    assert list(answer) == [b"a"]
    assert (handler.given_back, sent) == (0, [])
    answer.close()
    assert (handler.given_back, sent) == (1, ["finished"])


def test_an_accident_gives_the_connection_back_too(handler):
    def fails(request):
        raise KeyboardInterrupt

    handler.get_response = fails
    with pytest.raises(KeyboardInterrupt):
        ask(handler, PATH_INFO=MACHINE_ENDPOINT)
    assert handler.given_back == 1


def test_files_of_the_request_are_closed(handler):
    file = SimpleUploadedFile("name", b"content")

    def get_response(request):
        request._files = MultiValueDict({"file": [file]})
        return HttpResponse()

    handler.get_response = get_response
    ask(handler, PATH_INFO=MACHINE_ENDPOINT)
    assert file.closed


def test_addresses_begin_where_the_site_is_mounted(handler, db):
    ask(handler, SCRIPT_NAME="/bank", PATH_INFO=MACHINE_ENDPOINT)
    assert get_script_prefix() == "/bank/"
    ask(handler, PATH_INFO=MACHINE_ENDPOINT)
    assert get_script_prefix() == "/"
