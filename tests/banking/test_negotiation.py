"""Accept headers of generated clients (RFC 9110 §12.5.1)."""

import gzip

import pytest
from django.test import Client as Browser

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "accept",
    [
        None, "", " ", ",", "*/*", "application/json", "application/*", "application/problem+json",
        "application/problem+json, application/json;q=0.5", "application/problem+json; charset=utf-8", "text/html, */*;q=0.1",
    ],
)  # fmt: skip
def test_these_are_answered(accept, alice, access_token):
    headers = {"Authorization": f"Bearer {access_token(alice)}"} | ({} if accept is None else {"Accept": accept})
    answer = Browser().get("/api/v1/accounts", headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    refused = Browser().get("/api/v1/accounts", headers={} if accept is None else {"Accept": accept})
    assert (refused.status_code, refused["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/xml"])
def test_different_uris_have_different_normal_forms(accept, alice, access_token):
    headers = {"Authorization": f"Bearer {access_token(alice)}", "Accept": accept}
    assert Browser().get("/api/v1/accounts", headers=headers).status_code == 406


@pytest.mark.parametrize("value", ["json", "api", ""])
def test_a_format_in_the_query_is_an_unknown_parameter(value, alice, access_token):
    headers = {"Authorization": f"Bearer {access_token(alice)}"}
    answer = Browser().get(f"/api/v1/accounts?format={value}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")


@pytest.mark.parametrize(("coding", "status"), [("gzip", 415), ("deflate, gzip", 415), ("identity", 400), ("", 400)])
def test_a_compressed_body_is_refused_as_one(coding, status, alice, access_token):
    """RFC 9110 §15.5.16."""
    token = access_token(alice, scopes=["transfers:write"])
    headers = {"Authorization": f"Bearer {token}", "Content-Encoding": coding}
    answer = Browser().post(
        "/api/v1/transfer-rehearsals", gzip.compress(b"{}"), content_type="application/json", headers=headers
    )
    assert answer.status_code == status
    assert ("compressed" in answer.json()["detail"]) == (status == 415)
