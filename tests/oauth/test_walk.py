"""Counts how often a request moves between the packages (“rooms”) of oauth, as a reader of the code would have to.

A stay is a sequence of calls into one room. The rooms from `models` down are left out, because all rooms use them
(rows, parameters, settings).
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser

from oauth.conf import conf
from oauth.models import Client
from tests.lib.oauth_client import TokenEndpoint, authorization_url, callback, decide

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not conf.FAST_PATH, reason="machine endpoints then pass through the pages' middleware")

MOST_STAYS_IN_ONE_ROOM = 2
MOST_STAYS_OF_A_TOKEN_REQUEST = 13


def rooms_on_the_way() -> set[str]:
    """Returns the rooms above `models` in the import contract, without those that Django itself calls."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["oauth"])
    above = layers[2 : layers.index("models")]
    return {room for layer in above for room in layer.split(" | ")}


def walk(send: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Returns the response, and the stays in order."""
    rooms, stays = rooms_on_the_way(), list[str]()
    oauth = f"{ROOT}/oauth/"

    def enter(frame: Any, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event != "call" or not file.startswith(oauth) or frame.f_code.co_name == "__init__":
            return
        room = file.removeprefix(oauth).partition("/")[0]
        if room in rooms and stays[-1:] != [room]:
            stays.append(room)

    sys.setprofile(enter)
    try:
        answer = send()
    finally:
        sys.setprofile(None)
    return answer, stays


@pytest.fixture
def allowed(browser: Browser, web_app: Client) -> Browser:
    """Alice's browser; she has allowed the app. This request also builds everything that is built once per process."""
    decide(browser, browser.get(authorization_url(web_app)))
    return browser


def test_a_remembered_consent_enters_no_room_a_third_time(allowed: Browser, web_app: Client) -> None:
    answer, stays = walk(lambda: allowed.get(authorization_url(web_app)))
    assert "code" in callback(answer)
    assert max(Counter(stays).values()) <= MOST_STAYS_IN_ONE_ROOM, " ".join(stays)


def test_a_consent_page_enters_no_room_a_third_time(allowed: Browser, web_app: Client) -> None:
    page, stays = walk(lambda: allowed.get(authorization_url(web_app, prompt="consent")))
    assert page.status_code == 200
    assert max(Counter(stays).values()) <= MOST_STAYS_IN_ONE_ROOM, " ".join(stays)


def test_a_decision_enters_no_room_a_third_time(allowed: Browser, web_app: Client) -> None:
    page = allowed.get(authorization_url(web_app, prompt="consent"))
    answer, stays = walk(lambda: decide(allowed, page))
    assert "code" in callback(answer)
    assert max(Counter(stays).values()) <= MOST_STAYS_IN_ONE_ROOM, " ".join(stays)


def test_a_code_is_redeemed_in_few_stays(allowed: Browser, web_app: Client, token_endpoint: TokenEndpoint) -> None:
    first, second = [callback(allowed.get(authorization_url(web_app)))["code"] for _ in range(2)]
    token_endpoint.redeem(web_app, first)  # builds what is built once per process
    answer, stays = walk(lambda: token_endpoint.redeem(web_app, second))
    assert answer.status_code == 200
    assert len(stays) <= MOST_STAYS_OF_A_TOKEN_REQUEST, " ".join(stays)


def test_a_client_gets_its_own_token_in_few_stays(service: Client, token_endpoint: TokenEndpoint) -> None:
    token_endpoint.post(service, grant_type="client_credentials")
    answer, stays = walk(lambda: token_endpoint.post(service, grant_type="client_credentials"))
    assert answer.status_code == 200
    assert len(stays) <= MOST_STAYS_OF_A_TOKEN_REQUEST, " ".join(stays)
