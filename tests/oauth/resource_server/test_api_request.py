"""A request of a program without Django."""

from typing import Any

import pytest

from oauth.conf import conf
from oauth.resource_server import APIRequest, Refusal, require_token
from tests.lib import dpop

pytestmark = pytest.mark.django_db
PATH = "/api/v1/orders"


class Headers(dict[str, str]):
    """Like Starlette's: `get` returns the first value of a header, `items` returns all."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        super().__init__(reversed(pairs))
        self.pairs = pairs

    def items(self) -> Any:
        return self.pairs


def asked(*pairs: tuple[str, str]) -> str | None:
    return require_token(APIRequest("GET", PATH, Headers(*pairs)), "accounts:read").claims.user_id


def test_a_second_authorization_header_is_refused(access_token: Any, alice: Any) -> None:
    token = ("authorization", f"Bearer {access_token(alice)}")
    assert asked(token) == str(alice.pk)
    for other in (token, ("Authorization", "Bearer x"), ("AUTHORIZATION", "")):
        with pytest.raises(Refusal):
            asked(other, token)
        with pytest.raises(Refusal):
            asked(token, other)


def test_a_second_dpop_header_is_refused(access_token: Any, alice: Any) -> None:
    """RFC 9449 §4.3."""
    token = access_token(alice, confirmation={"jkt": dpop.KEY.jwk.thumbprint()})
    bound = ("authorization", f"DPoP {token}")

    def proof() -> tuple[str, str]:
        return "dpop", dpop.proof(method="GET", url=f"{conf.ISSUER}{PATH}", token=token)

    assert asked(bound, proof()) == str(alice.pk)
    with pytest.raises(Refusal):
        asked(bound, proof(), proof())
