"""Accept headers of generated clients (RFC 9110 §12.5.1)."""

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
def test_these_are_not(accept, alice, access_token):
    headers = {"Authorization": f"Bearer {access_token(alice)}", "Accept": accept}
    assert Browser().get("/api/v1/accounts", headers=headers).status_code == 406
