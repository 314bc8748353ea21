"""RFC 9111: which answers a shared cache may reuse, and for which requests."""

import uuid
from typing import Any

import pytest

from oauth.conf import conf
from oauth.fast_path import public_answers
from oauth.fast_path.public_answers import PublicAnswers
from tests.lib.wsgi import ask

PATH = "/document"
PUBLIC = ("Cache-Control", "public, max-age=60")


MAX_SECONDS = public_answers.MAX_SECONDS


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch):
    """On a busy machine, a second may pass between two lines of a test."""
    monkeypatch.setattr(public_answers, "MAX_SECONDS", 60)


class Application:
    """Answers with `headers`, and counts its calls."""

    def __init__(self, *headers: tuple[str, str], status: str = "200 OK") -> None:
        self.headers, self.status = headers or (PUBLIC,), status
        self.asked = self.closed = 0
        self.cached = PublicAnswers(self, paths=[PATH])

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked += 1
        start_response(self.status, [*self.headers, ("X-Request-Id", uuid.uuid4().hex)])
        return self

    def __iter__(self) -> Any:
        return iter([b"one ", str(self.asked).encode()])

    def close(self) -> None:
        self.closed += 1

    def get(self, **environ: str) -> tuple[str, dict[str, str], bytes]:
        return ask(self.cached, **{"PATH_INFO": PATH, **environ})


def test_a_public_answer_is_made_once_and_given_again_with_an_id_of_its_own():
    application = Application(PUBLIC, ("ETag", '"x"'))
    first, second = application.get(), application.get()
    assert application.asked == application.closed == 1
    assert first[2] == second[2] == b"one 1"
    assert second[0] == "200 OK"
    assert second[1]["ETag"] == '"x"'
    assert uuid.UUID(second[1]["X-Request-Id"]) != uuid.UUID(first[1]["X-Request-Id"])


def test_it_is_forgotten_after_a_moment_whatever_max_age_says(monkeypatch):
    """A key that was removed must not be served for another minute."""
    assert MAX_SECONDS <= 1
    monkeypatch.setattr(public_answers, "MAX_SECONDS", 0)
    application = Application()
    assert [application.get()[2] for _ in range(2)] == [b"one 1", b"one 2"]


def test_the_request_id_of_a_caller_is_kept_if_it_is_valid():
    application = Application()
    application.get()
    given = uuid.uuid4().hex
    assert application.get(HTTP_X_REQUEST_ID=given)[1]["X-Request-Id"] == given
    for odd in ("<script>", "x\r\nSet-Cookie: a=b", "1" * 400):
        assert uuid.UUID(application.get(HTTP_X_REQUEST_ID=odd)[1]["X-Request-Id"])


@pytest.mark.parametrize(
    "particular",
    [
        {"QUERY_STRING": "x=1"},
        {"REQUEST_METHOD": "HEAD"},
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "OPTIONS"},
        {"CONTENT_LENGTH": "1"},
        {"HTTP_ORIGIN": "https://app.example"},
        {"HTTP_AUTHORIZATION": "Bearer x"},
        {"HTTP_IF_NONE_MATCH": '"x"'},
        {"HTTP_RANGE": "bytes=0-1"},
        {"HTTP_CACHE_CONTROL": "no-cache"},
        {"HTTP_DPOP": "x"},
        {"PATH_INFO": "/other"},
        {"HTTP_HOST": "other.example"},
        {"wsgi.url_scheme": "https"},
    ],
)
def test_what_asks_for_something_else_is_asked_of_the_application(particular):
    application = Application()
    application.get()
    assert application.get(**particular)[2] == b"one 2"
    assert application.get()[2] == b"one 1"  # and its answer was not cached for others


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Cache-Control", "max-age=60")], "200 OK"),
        ([("Cache-Control", "private")], "200 OK"),
        ([("Cache-Control", "no-store")], "200 OK"),
        ([("X-Nothing", "said")], "200 OK"),
        ([PUBLIC, ("Set-Cookie", "a=b")], "200 OK"),
        ([PUBLIC, ("Vary", "Cookie")], "200 OK"),
        ([PUBLIC, ("Vary", "*")], "200 OK"),
        ([PUBLIC], "404 Not Found"),
        ([PUBLIC], "500 Internal Server Error"),
    ],
)
def test_a_response_that_is_not_public_is_never_cached(headers, status):
    application = Application(*headers, status=status)
    assert [application.get()[2] for _ in range(2)] == [b"one 1", b"one 2"]


def test_many_different_hosts_do_not_make_the_cache_grow():
    application = Application()
    for number in range(3 * public_answers.MAX_ENTRIES):
        application.get(HTTP_HOST=f"{number}.example")
    assert len(application.cached.kept) <= public_answers.MAX_ENTRIES


@pytest.fixture
def site(handler):
    return PublicAnswers(handler, paths=conf.PUBLIC_DOCUMENTS)


@pytest.mark.django_db
@pytest.mark.parametrize("path", conf.PUBLIC_DOCUMENTS)
def test_the_sites_documents_are_the_same_from_memory(site, path, signing_keys, django_assert_num_queries):
    from_django = ask(site, PATH_INFO=path)
    with django_assert_num_queries(0):
        kept = ask(site, PATH_INFO=path)
    assert from_django[0] == "200 OK"
    assert kept[2] == from_django[2]
    assert {**kept[1], "X-Request-Id": ""} == {**from_django[1], "X-Request-Id": ""}


@pytest.mark.django_db
def test_a_host_that_is_not_ours_gets_no_document(site, signing_keys):
    ask(site, PATH_INFO="/oauth/jwks")
    for _ in range(2):
        assert ask(site, PATH_INFO="/oauth/jwks", HTTP_HOST="evil.example")[0].startswith("400")
