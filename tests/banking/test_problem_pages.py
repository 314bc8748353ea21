"""Each problem type has a page that explains it, and the page agrees with the answers of the API."""

import importlib
import inspect
import pkgutil

import pytest
from bs4 import BeautifulSoup
from jsonschema import Draft202012Validator
from rest_framework.exceptions import APIException

import banking.api
from banking.api.explanations import EXPLANATIONS, example_of
from banking.api.openapi.document import document
from banking.api.problem_types import PROBLEMS
from banking.api.refusals import status_of
from banking.ledger.refusals import Refusal
from oauth.resource_server import challenges

ISSUER = "https://bank.example"


def subclasses(kind):
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def exceptions_of_the_api():
    modules = [importlib.import_module(one.name) for one in pkgutil.iter_modules(banking.api.__path__, "banking.api.")]
    for module in (*modules, challenges):
        for _, one in inspect.getmembers(module, inspect.isclass):
            code = getattr(one, "default_code", None)
            if issubclass(one, APIException) and one.__module__ == module.__name__ and code in PROBLEMS:
                yield one


def test_every_code_is_explained_and_nothing_else():
    assert set(EXPLANATIONS) == set(PROBLEMS)


@pytest.mark.django_db
@pytest.mark.parametrize("code", PROBLEMS)
def test_the_page_of_a_code_says_cause_remedy_and_example(client, settings, code):
    answer = client.get(f"/problems/{code}")
    assert answer.status_code == 200
    page = BeautifulSoup(answer.content, "html.parser").select_one("main")
    assert [one.text for one in page.select("h2")] == ["Cause", "Remedy", "Example"]
    assert EXPLANATIONS[code].cause.replace("`", "") in page.text
    assert EXPLANATIONS[code].remedy.replace("`", "") in page.text
    assert f'"type": "{settings.ISSUER}/problems/{code}"' in page.text


@pytest.mark.django_db
def test_another_address_is_404(client):
    assert client.get("/problems/nothing_like_it").status_code == 404


@pytest.mark.parametrize("code", PROBLEMS)
def test_an_example_fits_the_schema_of_problems(code):
    _, body = example_of(code, EXPLANATIONS[code], issuer=ISSUER)
    schema = {"$ref": "#/components/schemas/Problem", "components": document()["components"]}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(body)] == []


def test_the_status_of_a_code_is_the_one_that_the_bank_answers():
    refusals = {one for one in subclasses(Refusal) if getattr(one, "code", None) in PROBLEMS}
    assert len(refusals) > 15
    for refusal in refusals:
        explanation = EXPLANATIONS[refusal.code]
        assert explanation.status == status_of(refusal()), refusal
        if refusal.code not in ("limit_exceeded", "own_limit_exceeded"):  # their texts name amounts
            assert explanation.detail == str(refusal.title), refusal
    raised = set(exceptions_of_the_api())
    assert len(raised) > 6
    for one in raised:
        assert EXPLANATIONS[one.default_code].status == one.status_code, one


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "given", "code"),
    [("get", "accounts?limitt=10", {}, "unknown_parameter"), ("get", "transfers?cursor=abc", {}, "invalid_cursor"),
     ("put", "accounts", {}, "method_not_allowed"), ("get", "accounts/x", {}, "not_found"),
     ("get", "accounts", {"headers": {"Accept": "application/xml"}}, "not_acceptable"),
     ("post", "transfer-rehearsals", {"data": "a=1", "content_type": "application/x-www-form-urlencoded"}, "unsupported_media_type"),
     ("post", "transfer-rehearsals", {"data": {"refernce": "INV 7"}, "format": "json"}, "unknown_member")],
)  # fmt: skip
def test_the_detail_of_an_example_is_what_the_api_says(alice_api, method, path, given, code):
    answer = getattr(alice_api, method)(f"/api/v1/{path}", **given)
    assert (answer.status_code, answer.json()["code"]) == (EXPLANATIONS[code].status, code)
    said = (
        answer.json()["errors"][0]["detail"]
        if "errors" in answer.json()
        else answer.json()["detail"].partition(" (error id")[0]
    )
    assert EXPLANATIONS[code].detail == said
    for name in EXPLANATIONS[code].headers:
        assert name in answer
