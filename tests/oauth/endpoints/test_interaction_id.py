"""x-fapi-interaction-id (FAPI 1.0 Part 1 §6.2.1): the API returns the id of the client, or a new one."""

from uuid import UUID

import pytest
from django.test import Client as Browser

pytestmark = pytest.mark.django_db
GIVEN = "93BAC548-D2DE-4546-B106-880A5018460D"


@pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/v1/nothing", "/api/v1/accounts?a=%00", "/oauth/userinfo"])
@pytest.mark.parametrize("is_authenticated", [True, False])
def test_a_valid_id_comes_back(path, is_authenticated, issued, web_app):
    token = issued(web_app, scope="openid accounts:read")["access_token"] if is_authenticated else "x"
    headers = {"Authorization": f"Bearer {token}", "x-fapi-interaction-id": GIVEN}
    answer = Browser(raise_request_exception=False).get(path, headers=headers)
    assert answer["x-fapi-interaction-id"] == GIVEN
    post = Browser(raise_request_exception=False).post(path, "{", content_type="application/json", headers=headers)
    assert post["x-fapi-interaction-id"] == GIVEN


@pytest.mark.parametrize(
    "given", ["", "7", GIVEN.replace("-", ""), f"{{{GIVEN}}}", GIVEN + "0", "é", f"{GIVEN}, {GIVEN}"]
)
def test_anything_else_is_replaced(db, given):
    headers = {"x-fapi-interaction-id": given} if given else {}
    made = [Browser().get("/api/v1/accounts", headers=headers)["x-fapi-interaction-id"] for _ in range(2)]
    assert len(set(made)) == 2
    assert all(str(UUID(one)) == one for one in made)


@pytest.mark.parametrize(
    "path", ["/oauth/token", "/oauth/jwks", "/.well-known/openid-configuration", "/build", "/api/docs"]
)
def test_other_answers_have_none(db, path):
    assert "x-fapi-interaction-id" not in Browser().get(path, headers={"x-fapi-interaction-id": GIVEN})
