"""Rules for every request, whatever its path."""

from uuid import UUID

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from psycopg_pool import PoolTimeout

from config import urls
from config.http import errors
from config.http.middleware import MAX_QUERY_CHARACTERS
from tests.lib.database import full_pool

PROTOCOL_PATHS = ["/oauth/token", "/oauth/jwks", "/.well-known/openid-configuration"]
PAGES = ["/", "/accounts/login/", "/oauth/authorize"]
OUTAGES = {
    "operational": OperationalError("server closed the connection unexpectedly"),
    "interface": InterfaceError("connection already closed"),
    "pool": PoolTimeout("couldn't get a connection after 1.00 sec"),
}


def fail(request, kind):
    raise OUTAGES[kind]


def bug(request):
    raise RuntimeError("the secret is hunter2")


def person(request):
    return HttpResponse(f"Hello {request.user}")


def anonymous(request):
    return HttpResponse("Hello")


failing = [path(f"{room}fail/<kind>", fail) for room in ("", "api/v1/", "oauth/", "oauth/authorize/", ".well-known/")]
bugs = [path(f"{room}bug", bug) for room in ("", "api/v1/", "oauth/")]
urlpatterns = [*failing, *bugs, path("person", person), path("anonymous", anonymous), *urls.urlpatterns]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


class TestMalformedRequests:
    @pytest.mark.parametrize("query", ["code=a%00b", "code=a\x00b", "state=%0d%0aSet-Cookie:x", "a=%1B", "a=%7f"])
    @pytest.mark.parametrize("address", PROTOCOL_PATHS)
    def test_a_control_character_in_the_query_is_a_protocol_error(self, client, address, query):
        response = client.get(address, QUERY_STRING=query)
        assert response.status_code == 400
        assert response.json()["error"] == "invalid_request"
        assert response["Cache-Control"] == "no-store"

    def test_the_api_says_it_as_a_problem(self, client):
        response = client.get("/api/v1/accounts", QUERY_STRING="cursor=%00")
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "malformed_request"

    @pytest.mark.parametrize("address", PAGES)
    def test_people_get_a_page(self, client, address):
        response = client.get(address, QUERY_STRING="next=%00")
        assert response.status_code == 400
        assert response["Content-Type"].startswith("text/html")

    def test_a_control_character_in_the_path_is_refused(self, client):
        assert client.get("/api/v1/accounts/%00").status_code == 400
        assert client.get("/oauth/%0a").status_code == 400

    @pytest.mark.parametrize("address", [*PROTOCOL_PATHS, *PAGES, "/api/v1/accounts"])
    def test_an_endless_query_is_refused(self, client, address):
        response = client.get(address, QUERY_STRING="a=" + "x" * MAX_QUERY_CHARACTERS)
        assert response.status_code == 414

    def test_umlauts_and_encoded_spaces_are_fine(self, client, db):
        assert client.get("/accounts/login/", QUERY_STRING="next=%2F%C3%BC%20x%25").status_code == 200


class TestButtons:
    """A URL that only accepts forms, such as the one behind a button."""

    def test_a_login_after_the_button_was_pressed_leads_to_a_page(self, client, alice):
        """The session ended while the page with the button was open."""
        answer = client.post("/accounts/trusted/")
        assert answer.url == "/accounts/login/?next=/accounts/trusted/"
        client.force_login(alice)
        page = client.get("/accounts/trusted/")
        assert (page.status_code, page["Allow"]) == (405, "POST")
        assert "Press the button again" in page.content.decode()
        assert "Go to the home page" in page.content.decode()

    @pytest.mark.parametrize("address", ["/language", f"/bank/payees/{UUID(int=1)}/remove"])
    def test_each_such_url_answers_with_a_page(self, client, alice, address):
        client.force_login(alice)
        assert "Drücken Sie" in client.get(address, HTTP_ACCEPT_LANGUAGE="de").content.decode()

    def test_machines_get_no_page(self, client, db):
        for address in ("/oauth/token", "/oauth/revoke"):
            answer = client.get(address)
            assert (answer.status_code, answer["Content-Type"]) == (405, "application/json")


@pytest.mark.urls("tests.config.test_middleware")
class TestOutages:
    @pytest.mark.parametrize("kind", OUTAGES)
    @pytest.mark.parametrize("room", ["/oauth/", "/.well-known/"])
    def test_the_protocol_says_temporarily_unavailable(self, client, room, kind):
        """RFC 6749 §4.1.2.1."""
        response = client.get(f"{room}fail/{kind}")
        assert response.status_code == 503
        assert response.json()["error"] == "temporarily_unavailable"
        assert int(response["Retry-After"]) > 0
        assert response["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("kind", OUTAGES)
    def test_the_api_says_it_as_a_problem(self, client, kind):
        response = client.get(f"/api/v1/fail/{kind}")
        assert response.status_code == 503
        assert response.json()["code"] == "temporarily_unavailable"
        assert int(response["Retry-After"]) > 0

    @pytest.mark.parametrize("kind", OUTAGES)
    @pytest.mark.parametrize("room", ["/", "/oauth/authorize/"])
    def test_people_get_a_page(self, client, room, kind):
        response = client.get(f"{room}fail/{kind}")
        assert response.status_code == 503
        assert response["Content-Type"].startswith("text/html")
        assert int(response["Retry-After"]) > 0

    def test_an_outage_inside_a_middleware_is_no_500_either(self, browser, settings):
        settings.MIDDLEWARE = [*settings.MIDDLEWARE[:4], "tests.config.test_middleware.session_store_is_down"]
        response = browser.get("/oauth/anything")
        assert response.status_code == 503
        assert response.json()["error"] == "temporarily_unavailable"

    def test_a_bug_stays_a_500_and_tells_nothing(self, browser, db):
        for room in ("/", "/api/v1/", "/oauth/"):
            response = browser.get(f"{room}bug")
            assert response.status_code == 500
            assert b"hunter2" not in response.content
        assert browser.get("/oauth/bug").json()["error"] == "server_error"
        assert browser.get("/api/v1/bug").json()["code"] == "server_error"


def session_store_is_down(get_response):
    def middleware(request):
        raise OUTAGES["operational"]

    return middleware


def test_a_full_pool_answers_503_instead_of_queueing(transactional_db):
    """On a real pool whose connections are all in use."""
    with full_pool():
        response = Client().get("/oauth/authorize", {"client_id": "x"})
    assert response.status_code == 503


@pytest.mark.urls("tests.config.test_middleware")
class TestCaches:
    def test_a_page_made_for_a_user_is_kept_by_no_cache(self, client, db, django_user_model):
        client.force_login(django_user_model.objects.create_user("p@example.test"), _allauth())
        response = client.get("/person")
        assert b"p@example.test" in response.content
        assert response["Cache-Control"] == "private, no-store"

    def test_what_looks_at_nobody_may_be_cached(self, client):
        assert "Cache-Control" not in client.get("/anonymous")


def _allauth() -> str:
    return "allauth.account.auth_backends.AuthenticationBackend"


class TestNotFound:
    @pytest.mark.parametrize("address", ["/oauth/nothing", "/.well-known/nothing"])
    def test_a_program_is_told_in_json(self, client, db, address):
        response = client.get(address)
        assert response.status_code == 404
        assert response.json()["error"] == "not_found"

    def test_the_api_says_it_as_a_problem(self, client, db):
        response = client.get("/api/v1/nothing")
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"

    def test_a_user_is_told_on_a_page(self, client, db):
        response = client.get("/nothing")
        assert response.status_code == 404
        assert response["Content-Type"].startswith("text/html")

    def test_an_unknown_host_is_a_400_and_not_echoed(self, client):
        response = client.get("/", headers={"host": "evil.example"})
        assert response.status_code == 400
        assert b"evil.example" not in response.content


def test_every_failure_has_its_page(client):
    from django.template.loader import get_template

    for failure in vars(errors).values():
        if isinstance(failure, errors.Failure):
            get_template(f"{failure.status.value}.html")


def test_a_form_without_its_token_is_told_as_a_page_with_an_error_id():
    browser = Client(enforce_csrf_checks=True)
    refused = browser.post("/accounts/login/", {"login": "a@example.test"})
    assert refused.status_code == 403
    assert "This form has expired" in refused.content.decode()
    assert refused["X-Request-Id"] in refused.content.decode()
