"""The table of endpoints in docs/security.md, compared with the URLs of the site. Each URL has a row, and each endpoint
that writes has a limit, which is tested.
"""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver

from oauth.models import Client

GUIDE = Path(__file__).parents[2] / "docs" / "security.md"
UNSAFE = {"post", "put", "patch", "delete"}
NOTHING = ("nothing", "none")
# So small that each limit is one to three requests.
SCALE = 0.0005
VALUES = {"authorization_id": "00000000-0000-0000-0000-000000000000", "number": "1", "pk": "1", "provider_id": "x"}


@dataclass(frozen=True)
class Endpoint:
    """`path` as in the table, with {names}; `methods` are those that may write, None for any."""

    path: str
    methods: frozenset[str] | None

    @property
    def is_of_programs(self) -> bool:
        return bool(re.match(r"/(api/|\.well-known/)", self.path))

    def url(self, **values: str) -> str:
        identifiers = "account_id|transfer_id|payee_id|order_id|mandate_id"
        is_page = self.path.startswith("/bank/")
        filled = re.sub(rf"{{({identifiers})}}", "{authorization_id}", self.path) if is_page else self.path
        return re.sub(r"{(\w+)}", lambda name: {**VALUES, **values}.get(name[1], "x"), filled)


def endpoints(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[Endpoint]:
    for one in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + _written(str(one.pattern))
        if path == "admin/":
            yield Endpoint("/admin/", None)
        elif isinstance(one, URLResolver):
            yield from endpoints(one.url_patterns, path)
        elif isinstance(one, URLPattern):
            view = getattr(one.callback, "view_class", getattr(one.callback, "cls", None))
            names = getattr(view, "http_method_names", None)
            yield Endpoint(f"/{path}", None if names is None else frozenset(n for n in names if hasattr(view, n)))


def _written(pattern: str) -> str:
    pattern = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"{\1}", pattern.strip("^$").removesuffix("$"))
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern).replace("^", "")


@dataclass(frozen=True)
class Row:
    who: str
    writes: str
    limit: str
    tells: str

    @property
    def is_writing(self) -> bool:
        return self.writes not in NOTHING


def rows() -> dict[str, Row]:
    table = GUIDE.read_text().partition("## Every endpoint")[2]
    found: dict[str, Row] = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        for path in re.findall(r"`([^`]+)`", cells[0]) if line.startswith("| `") else ():
            assert path not in found, f"{path} has two rows"
            found[path] = Row(*cells[1:])
    return found


ENDPOINTS = {one.path: one for one in endpoints()}
ROWS = rows()
WRITING = sorted(path for path, row in ROWS.items() if row.is_writing)


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    assert set(ENDPOINTS) == set(ROWS)


@pytest.mark.parametrize("path", sorted(ROWS))
def test_each_writing_endpoint_names_its_limit(path: str) -> None:
    row = ROWS[path]
    assert all((row.who, row.writes, row.limit, row.tells))
    assert not row.is_writing or row.limit not in NOTHING


@pytest.fixture
def tried(settings: Any, service: Client, alice: Any, access_token: Callable[..., str], capsys: Any) -> dict[str, str]:
    """Returns Authorization headers by kind of endpoint. Each caller has the right to call the endpoint, and calls it
    too often.
    """
    call_command("registration_token")
    initial = capsys.readouterr().out.split()[-1]
    basic = base64.b64encode(f"{service.client_id}:{service.secret}".encode()).decode()  # type: ignore[attr-defined]
    scopes = (
        "openid transfers:write payees:write webhooks:manage grant_management_revoke funds:confirm direct-debits:write"
    )
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": SCALE}
    # Only the Django app, as in a site without that middleware.
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if not one.endswith("FormLimitMiddleware")]
    return {
        "client": f"Basic {basic}",
        "token": f"Bearer {access_token(alice, scopes)}",
        "initial": f"Bearer {initial}",
    }


def _statuses(path: str, method: str, headers: dict[str, str], **values: str) -> list[int]:
    browser = Browser(raise_request_exception=False)
    is_json = path.startswith(("/api/", "/oauth/register"))
    content_type = "application/json" if is_json else "application/x-www-form-urlencoded"
    body = "{}" if is_json else "grant_type=client_credentials&token=x"
    url = ENDPOINTS[path].url(**values)
    return [
        browser.generic(method.upper(), url, body, content_type=content_type, headers=headers).status_code
        for _ in range(5)
    ]


@pytest.mark.django_db
@pytest.mark.usefixtures("clock_stands")
@pytest.mark.parametrize("path", [path for path in WRITING if path.startswith(("/oauth/", "/api/"))])
def test_each_writing_endpoint_stops_at_its_limit(path: str, tried: dict[str, str], service: Client) -> None:
    """For machine endpoints. The credentials are correct, if the endpoint has any."""
    kind = "token" if path.startswith(("/api/", "/oauth/grants")) else "client"
    kind = "initial" if path.startswith("/oauth/register") else kind
    for method in sorted(UNSAFE & (ENDPOINTS[path].methods or {"post"})):
        statuses = _statuses(path, method, {"Authorization": tried[kind]}, client_id=service.client_id)
        assert statuses[-1] == 429, (method, statuses)


@pytest.mark.django_db
@pytest.mark.usefixtures("clock_stands")
@pytest.mark.parametrize("path", [path for path in WRITING if not path.startswith(("/oauth/", "/api/"))])
def test_every_page_that_writes_stops_at_its_limit(path: str, settings: Any) -> None:
    """The limit applies to every visitor, before the view gets the request."""
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": SCALE}
    assert _statuses(path, "post", {})[-1] == 429
