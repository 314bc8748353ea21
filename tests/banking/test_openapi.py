"""The OpenAPI document is complete, valid and true to the API. It is generated, and these tests compare it with the
code.
"""

import json
import re

import pytest
from django.test import RequestFactory
from django.utils.html import escape
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.serializers import BaseSerializer

from banking.accounts.months import Month
from banking.api.fields import CurrencyField, IBANField, StrictCharField, StrictDateField
from banking.api.idempotency import IDEMPOTENCY_KEY, key_of
from banking.api.json import loads
from banking.api.openapi.document import document
from banking.api.openapi.examples import EXAMPLES, PROBLEM
from banking.api.problems import BadRequest
from banking.api.transfers import NewTransferSerializer
from banking.api.webhooks import WebhookURLField
from tests.banking.test_access_matrix import ENDPOINTS, patterns

pytestmark = pytest.mark.django_db


def operations():
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def operation_of(method, name):
    [operation] = [one for _, _, one in operations() if one["operationId"] == f"{method}_{name.replace('-', '_')}"]
    return operation


def errors(name, instance):
    components = document()["components"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    return [error.message for error in Draft202012Validator(schema).iter_errors(instance)]


def test_it_is_open_api_3_1_for_everybody(client):
    answer = client.get("/api/schema")
    assert answer["Content-Type"] == "application/vnd.oai.openapi+json"
    served = json.loads(answer.content)
    assert served == json.loads(json.dumps(document()))
    validate_schema(served)
    assert served["openapi"] == "3.1.0"


def test_drf_spectacular_has_nothing_to_complain_of(capsys):
    document.cache_clear()
    document()
    assert capsys.readouterr().err == ""


def test_every_endpoint_is_described():
    assert sum(1 for _ in operations()) == len(ENDPOINTS)
    for method, name in ENDPOINTS:
        assert operation_of(method, name)["summary"]


@pytest.mark.parametrize(("method", "name"), ENDPOINTS)
def test_it_names_the_scopes_and_parameters_that_the_view_has(method, name):
    view, operation = patterns()[name].callback.cls, operation_of(method, name)
    assert operation["security"] == [{"oauth2": view.required_scopes[method.upper()]}, {"bearer": []}]
    described = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    assert described == {one.name for one in view.query_parameters.get(method.upper(), ())}


def test_every_schema_is_closed_and_has_a_name():
    for name, schema in document()["components"]["schemas"].items():
        assert "oneOf" in schema or schema["additionalProperties"] is False, name


# --- what generators of clients need


def test_an_operation_has_one_representation_of_success():
    """A generated method has one return type."""
    for path, method, operation in operations():
        bodies = [
            content["schema"]
            for status, answer in operation["responses"].items()
            if status.startswith("2")
            for media_type, content in answer.get("content", {}).items()
            if media_type == "application/json"
        ]
        assert len({json.dumps(one, sort_keys=True) for one in bodies}) <= 1, (method, path)


def test_one_of_several_objects_is_told_by_a_member():
    schemas = document()["components"]["schemas"]
    assert set(schemas["Destination"]["discriminator"]["mapping"]) == {"account", "payee", "iban"}
    assert set(schemas["TransferDestination"]["discriminator"]["mapping"]) == {"account", "iban"}
    for name, schema in schemas.items():
        if "oneOf" not in schema:
            continue
        told_by = schema["discriminator"]["propertyName"]
        assert [one["$ref"] for one in schema["oneOf"]] == list(schema["discriminator"]["mapping"].values()), name
        for value, reference in schema["discriminator"]["mapping"].items():
            form = schemas[reference.rpartition("/")[2]]
            assert form["properties"][told_by]["enum"] == [value]
            assert told_by in form["required"]


def test_every_integer_says_how_wide_it_is():
    """Without a format, generators use 32 bits, so the maximum would be 21,474,836.47 pounds."""
    for name, schema in document()["components"]["schemas"].items():
        for member, one in schema.get("properties", {}).items():
            for form in one.get("anyOf", [one]):
                if form.get("type") == "integer":
                    wide = member.endswith(("minor_units", "seq"))
                    assert form["format"] == ("int64" if wide else "int32"), f"{name}.{member}"


def test_an_optional_member_of_a_request_may_be_null():
    """Kotlin's and Java's clients write null for a value that the app does not set."""
    for view in {pattern.callback.cls for pattern in patterns().values()}:
        if serializer := view.bodies.get("POST"):
            for name, field in serializer().fields.items():
                is_taken = field.allow_null and serializer.null_is_absent
                assert field.required or is_taken, f"{serializer.__name__}.{name}"


def test_a_change_of_nothing_is_refused_and_the_schema_says_so(alice_api):
    assert document()["components"]["schemas"]["ScheduledTransferChanges"]["minProperties"] == 1
    assert operation_of("patch", "scheduled-transfer")["requestBody"]["required"] is True
    answer = alice_api.patch("/api/v1/scheduled-transfers/01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d22", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_a_client_may_be_given_a_token_or_run_the_flow():
    schemes = document()["components"]["securitySchemes"]
    assert schemes["oauth2"]["flows"]["authorizationCode"]["tokenUrl"].endswith("/oauth/token")
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")


def test_answers_have_the_names_of_requests():
    """So an app can send back what it has read."""
    schemas = document()["components"]["schemas"]
    assert set(schemas["NewTransfer"]["properties"]) <= set(schemas["Transfer"]["properties"])
    assert set(schemas["NewScheduledTransfer"]["properties"]) <= set(schemas["ScheduledTransfer"]["properties"])
    assert set(schemas["NewWebhook"]["properties"]) <= set(schemas["Webhook"]["properties"])


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.oai.openapi+json", "*/*", ""])
def test_every_client_that_asks_for_json_gets_it(client, accept):
    answer = client.get("/api/schema", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == (accept if "application" in accept else "application/vnd.oai.openapi+json")
    assert json.loads(answer.content)["openapi"] == "3.1.0"


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_fit_their_schemas(name):
    assert errors(name, EXAMPLES[name]) == []
    assert errors(name, {**EXAMPLES[name], "surprise": 1}) != []


@pytest.mark.parametrize("status", PROBLEM)
def test_examples_of_problems_fit_too(status):
    assert errors("Problem", PROBLEM[status]) == []


# No result depends on how fast the machine is.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7F), min_size=13, max_size=19),
    st.text(st.sampled_from('a"'), min_size=13, max_size=19),
    st.builds(
        lambda before, size, after: f"{before}{'k' * size}{after}",
        st.sampled_from(["", '"', " "]),
        st.sampled_from([14, 15, 16, 253, 254, 255, 256]),
        st.sampled_from(["", '"', "\x7f", "é"]),
    ),
)


@patient
@given(KEYS)
def test_the_pattern_of_the_idempotency_key_is_what_the_api_takes(key):
    [parameter] = [one for one in operation_of("post", "transfers")["parameters"] if one["name"] == "Idempotency-Key"]
    pattern = parameter["schema"]["pattern"]
    request = RequestFactory().post("/", headers={IDEMPOTENCY_KEY.name: key})
    try:
        is_taken = bool(key_of(request))
    except BadRequest:
        is_taken = False
    assert bool(re.search(pattern, key)) == is_taken


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.text(
    st.sampled_from(" \u00a0\u3000\u200b\u200c\u200d\ta\u0639\u0915👩💻\u2764\ufe0f\u202e東"), max_size=8
)


def is_taken(field, text):
    """Whether the API accepts the text when it reads a body."""
    try:
        return bool(field.run_validation(loads(json.dumps(text).encode())))
    except (ParseError, ValidationError):
        return False


@patient
@given(TEXTS)
def test_the_pattern_of_texts_is_what_the_api_takes(text):
    pattern = document()["components"]["schemas"]["NewTransfer"]["properties"]["reference"]["pattern"]
    # The pattern cannot describe characters above U+FFFF without flags of a programming language.
    matches = re.fullmatch(pattern, text) and not any("\U000e0000" <= one <= "\U000e007f" for one in text)
    assert bool(matches) == is_taken(NewTransferSerializer().fields["reference"], text)


def fields_of(serializer, schema):
    """Yields each string field of a request body, as the serializer and the document define it."""
    components = document()["components"]["schemas"]
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    forms = [
        components[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in schema.get("oneOf", [schema])
    ]
    properties = {name: member for form in forms for name, member in form.get("properties", {}).items()}
    for name, field in serializer.fields.items():
        if isinstance(field, BaseSerializer):
            yield from fields_of(field, properties[name])
        elif isinstance(field, (StrictCharField, StrictDateField)):
            yield f"{type(serializer).__name__}.{name}", field, properties[name]


def test_every_pattern_of_a_body_is_the_one_that_its_field_checks():
    compared = {}
    for method, name in ENDPOINTS:
        if serializer := patterns()[name].callback.cls.bodies.get(method.upper()):
            schema = operation_of(method, name)["requestBody"]["content"]["application/json"]["schema"]
            compared |= {key: (field, member) for key, field, member in fields_of(serializer(), schema)}
    assert {"NewTransferSerializer.reference", "NewWebhookSerializer.url", "DestinationSerializer.identifier"} <= set(
        compared
    )
    for key, (field, member) in compared.items():
        assert member["pattern"] == field.pattern, key
        assert member.get("maxLength") == getattr(field, "max_length", None), key


@pytest.mark.parametrize(("text", "fits"), [("a" * 140, True), (" " + "a" * 139, True), (" " + "a" * 140, False)])
def test_the_longest_text_counts_spaces_as_the_schema_does(text, fits):
    assert is_taken(NewTransferSerializer().fields["reference"], text) == fits
    maximum = document()["components"]["schemas"]["NewTransfer"]["properties"]["reference"]["maxLength"]
    assert (len(text) <= maximum) == fits


STRICT = {
    "currency": (CurrencyField(), st.from_regex(r"\A[A-Za-z ]{2,4}\Z")),
    "day": (StrictDateField(), st.from_regex(r"\A20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[ \n]?\Z")),
    "IBAN": (IBANField(), st.from_regex(r"\A([Ii]BAN:?)?[A-Z]{2}[0-9]{2}[A-Za-z0-9 \n]{10,33}\Z")),
    "URL": (WebhookURLField(), st.from_regex(r"\A(https?|ftp)://[!-~ é]{1,9}\Z")),
}


@pytest.mark.parametrize("kind", STRICT)
def test_a_field_takes_just_what_its_pattern_takes(kind):
    field, texts = STRICT[kind]

    @patient
    @given(texts)
    def compare(text):
        assert bool(re.fullmatch(field.pattern, text)) == is_taken(field, text)

    compare()


def test_patterns_of_answers_are_those_of_bodies():
    schemas = document()["components"]["schemas"]
    assert schemas["Money"]["properties"]["currency"]["pattern"] == CurrencyField.pattern
    assert schemas["ScheduledTransfer"]["properties"]["first_on"]["pattern"] == StrictDateField.pattern


def test_patterns_need_no_flag_and_no_feature_of_one_language():
    """Rust's and Go's engines look neither ahead nor behind; a range above U+FFFF is an error in ECMA 262 without `u`."""
    found = re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(document()))
    assert len(found) > 20
    for pattern in {json.loads(one) for one in found}:
        assert not re.search(r"\(\?(?!:)|\\[pPbBAZzkx]|\\u\{", pattern), pattern
        assert pattern.isascii(), pattern


@patient
@given(st.from_regex(r"\A[0-9]{3,5}-[0-9]{1,3}\Z"))
def test_the_pattern_of_a_month_is_what_the_api_takes(text):
    [pattern] = [
        one["schema"]["pattern"] for one in operation_of("get", "statement")["parameters"] if one["name"] == "month"
    ]
    assert bool(re.search(pattern, text)) == (Month.parse(text) is not None) or text.startswith("0000-")


def test_path_parameters_are_uuids_and_months():
    for path, _, operation in operations():
        named = [one for one in operation.get("parameters", []) if one["in"] == "path"]
        assert [one["name"] for one in named] == re.findall(r"{(\w+)}", path)
        for one in named:
            assert one["schema"].get("format") == "uuid" or one["name"] == "month"


def test_every_operation_tells_of_its_refusals():
    for path, method, operation in operations():
        assert {"400", "401", "403", "404", "429", "503"} <= set(operation["responses"]), (method, path)
        assert operation["summary"]


def test_the_page_runs_no_script_but_ours(client):
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "unsafe" not in page["Content-Security-Policy"].partition("style-src")[0]
    assert b"<script>" not in page.content
    for path, method, operation in operations():
        assert f"<code>{method.upper()} {path}</code></dt><dd>{escape(operation['summary'])}</dd>" in page.text
    script = client.get("/api/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert b"usePkceWithAuthorizationCodeGrant" in script.content
    assert client.get("/api/docs/oauth2-redirect?code=x")["Location"].endswith("oauth2-redirect.html?code=x")


@pytest.mark.parametrize("query", ["limitt=1", "limit=1&limit=2", "access_token=x"])
def test_a_parameter_that_is_not_known_is_refused(alice_api, query):
    """This includes RFC 6750 §2.3: no token in a URL."""
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
