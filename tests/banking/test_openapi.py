"""The OpenAPI document: whole, valid, and what is served."""

import json

import pytest
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from banking.api.openapi.components import SCHEMAS
from banking.api.openapi.document import document
from banking.api.openapi.examples import EXAMPLES, PROBLEM
from banking.api.openapi.operations import OPERATIONS
from tests.lib.bank_endpoints import ENDPOINTS, patterns

pytestmark = pytest.mark.django_db


def operations():
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def errors(name, instance):
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return [error.message for error in Draft202012Validator(schema).iter_errors(instance)]


def test_it_is_open_api_3_1_for_everybody(client):
    answer = client.get("/api/schema")
    assert answer["Content-Type"] == "application/vnd.oai.openapi+json"
    served = json.loads(answer.content)
    assert served == json.loads(json.dumps(document()))
    validate_schema(served)
    assert served["openapi"] == "3.1.0"


def test_every_endpoint_has_a_row():
    assert {(method.lower(), name) for method, name in OPERATIONS} == set(ENDPOINTS)
    assert sum(1 for _ in operations()) == len(OPERATIONS)


@pytest.mark.parametrize(("method", "name"), OPERATIONS)
def test_it_names_the_scopes_and_parameters_that_the_view_has(method, name):
    view = patterns()[name].callback.cls
    [operation] = [
        one for _, _, one in operations() if one["operationId"] == f"{method.lower()}_{name.replace('-', '_')}"
    ]
    assert operation["security"] == [{"oauth2": view.required_scopes[method]}]
    described = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
    assert described == set(view.query_parameters.get(method, ()))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_fit_their_schemas(name):
    assert errors(name, EXAMPLES[name]) == []
    assert errors(name, {**EXAMPLES[name], "surprise": 1}) != []


@pytest.mark.parametrize("status", PROBLEM)
def test_examples_of_problems_fit_too(status):
    assert errors("Problem", PROBLEM[status]) == []


def test_every_operation_tells_of_its_refusals():
    for path, method, operation in operations():
        assert {"400", "401", "403", "404", "429", "503"} <= set(operation["responses"]), (method, path)
        assert operation["summary"]


def test_the_page_runs_no_script_but_ours(client):
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "unsafe" not in page["Content-Security-Policy"].partition("style-src")[0]
    assert b"<script>" not in page.content
    script = client.get("/api/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert b"usePkceWithAuthorizationCodeGrant" in script.content
    assert client.get("/api/docs/oauth2-redirect?code=x")["Location"].endswith("oauth2-redirect.html?code=x")


@pytest.mark.parametrize("query", ["limitt=1", "limit=1&limit=2", "access_token=x"])
def test_a_parameter_that_is_not_known_is_refused(alice_api, query):
    """RFC 6750 §2.3 among them: no token in a URL."""
    answer = alice_api.get(f"/api/v1/accounts?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] in ("unknown_parameter", "malformed_request")


@pytest.mark.parametrize("events", [["AAA"], ["transfer.updated", "AAA"], [], [1], "transfer.updated"])
def test_a_wrong_member_of_a_list_is_pointed_at(access_token, api, alice, events):
    answer = api(access_token(alice, "webhooks:manage")).post(
        "/api/v1/webhooks", {"url": "https://app.example/", "events": events}, format="json"
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/events")
