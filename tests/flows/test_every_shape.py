"""Each page of the bank works, and is accessible, with every kind of data that the API can create.

tests/flows/test_every_page.py opens each page once. Here, one customer has accounts, transfers and payment orders of
every kind and state, an account without data, and one with ten thousand rows.
"""

import json
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser

from tests.flows.test_every_page import ALL_RULES, AXE, FITS, RULES_OF_COLOUR, SCHEMES, SIZES, Visitor
from tests.lib import shapes
from tests.lib.chromium import needs_chromium
from tests.lib.node import NODE
from tests.lib.servers import Server
from tests.lib.visitors import Site

pytestmark = needs_chromium
Made = dict[str, dict[str, str]]
OF_ACCOUNT = ("", "/details", "/statements", "/sharing", "/apps", "/close")
LISTS = ("/", "/bank/", "/bank/orders", "/bank/orders?show=ended", "/bank/transfer", "/bank/orders/new", "/bank/payees",
         "/bank/direct-debits", "/bank/limits", "/bank/alerts", "/bank/open", "/oauth/apps", "/accounts/close/")  # fmt: skip


@pytest.fixture(scope="module")
def made(live: Server) -> Made:
    code = "import json; from tests.lib import shapes; print(json.dumps(shapes.make()))"
    answer: Made = json.loads(live.manage("shell", "-v0", "-c", code).strip().splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def sam(live: Server, made: Made, libraries: None, chromium: Browser) -> Iterator[Visitor]:
    visitor = Visitor(chromium)
    Site(live).log_in(visitor.page, shapes.EMAIL)
    yield visitor
    visitor.page.context.close()


def paths(made: Made) -> list[str]:
    return [
        *LISTS,
        *(f"/bank/accounts/{pk}{page}" for pk in made["account"].values() for page in OF_ACCOUNT),
        f"/bank/accounts/{made['account']['many rows']}?q=Wages",
        f"/bank/accounts/{made['account']['no data']}?q=Wages",
        *(f"/bank/transfers/{pk}" for pk in made["transfer"].values()),
        *(f"/bank/orders/{pk}{page}" for pk in made["order"].values() for page in ("", "/change")),
    ]


def looked_at(made: Made) -> list[str]:
    """Returns a page of each layout: accounts, transfers and orders in each state."""
    account, transfer, order = made["account"], made["transfer"], made["order"]
    return [
        *LISTS[:6],
        *(f"/bank/accounts/{pk}" for pk in account.values()),
        *(
            f"/bank/accounts/{account[name]}{page}"
            for name in ("joint", "frozen", "closed")
            for page in OF_ACCOUNT[1:-1]
        ),
        f"/bank/accounts/{account['no data']}/close",
        *(f"/bank/transfers/{pk}" for name, pk in transfer.items() if name.startswith("to another bank")),
        *(f"/bank/orders/{pk}" for name, pk in order.items() if name.startswith("to another bank")),
        f"/bank/orders/{order['to an own account active']}",
        f"/bank/orders/{order['to a payee here active']}/change",
    ]


def test_no_page_fails(live: Server, sam: Visitor, made: Made) -> None:
    """A page that is not available in a state, such as the form to change an ended order, redirects or explains
    this.
    """
    session = requests.Session()
    session.cookies.update({one["name"]: one["value"] for one in sam.page.context.cookies()})
    statuses = {path: session.get(f"{live.url}{path}", timeout=60).status_code for path in paths(made)}
    assert {path: status for path, status in statuses.items() if status not in (200, 404, 409)} == {}
    refused = {path for path, status in statuses.items() if status != 200}
    ended = {
        f"/bank/orders/{pk}/change" for name, pk in made["order"].items() if "ended" in name or "completed" in name
    }
    not_own = {f"/bank/accounts/{made['account'][name]}/close" for name in ("read only", "closed", "frozen")}
    assert refused <= ended | not_own


def test_everybody_can_read_every_shape(live: Server, sam: Visitor, made: Made) -> None:
    faults: dict[tuple[str, str, str], str] = {}
    page, axe = sam.page, (NODE / "node_modules/axe-core/axe.min.js").read_text()
    for path in looked_at(made):
        page.goto(f"{live.url}{path}")
        page.evaluate(axe)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            if not page.evaluate(FITS):
                faults[path, "wider than the screen", str(width)] = ""
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                for rule, where, why in page.evaluate(AXE, RULES_OF_COLOUR if scheme == "dark" else ALL_RULES):
                    faults.setdefault((path, rule, where), f"{width} px, {scheme}: {why}")
        faults |= {(path, "Chromium", text): "" for text in sam.complaints}
    assert not faults, "\n".join(map(str, faults.items()))


def test_long_names_and_large_amounts_fit_at_a_zoom_of_400_percent(live: Server, sam: Visitor, made: Made) -> None:
    """WCAG 2.2, 1.4.10: 320 pixels are a screen of 1280 pixels at a zoom of 400 %."""
    code = f"""
from accounts.models import User
from tests.lib.ledger import funded
user = User.objects.get(email="{shapes.EMAIL}")
print(funded(user, "W" * 70, "KWD", amount_minor=10**15).pk)"""
    account = f"/bank/accounts/{live.manage('shell', '-v0', '-c', code).strip().splitlines()[-1]}"
    sam.page.set_viewport_size({"width": 320, "height": 256})
    wide = []
    for path in ("/", "/bank/", "/bank/transfer", *(f"{account}{page}" for page in OF_ACCOUNT)):
        sam.page.goto(f"{live.url}{path}")
        if not sam.page.evaluate(FITS):
            wide.append(path)
    assert not wide
