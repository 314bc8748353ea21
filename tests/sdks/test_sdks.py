"""Clients that generators make from /api/schema compile, and do what an app does: get a token, list accounts, page through
a long history, pay once although the request was sent twice, and read a problem.

`make sdks` runs all; SDKS names the languages.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.lib import person
from tests.lib.oauth_client import CHALLENGE, VERIFIER
from tests.lib.servers import Server
from tests.sdks.generators import CACHE, LANGUAGES, SHORT_LIVED

pytestmark = pytest.mark.sdk

CALLBACK = "http://127.0.0.1:51234/callback"
SCOPE = (
    "accounts:read transactions:read transfers:read transfers:write funds:confirm direct-debits:read"
    " direct-debits:write"
)
#: The programs that also ask for available funds and cancel a direct debit.
DIRECT_DEBITS = {"python", "typescript"}
WANTED = os.environ.get("SDKS", " ".join(LANGUAGES)).split()


def grant_of(live: Server) -> dict[str, str]:
    """The form that an app sends to the token endpoint when its user has come back."""
    query = {
        "client_id": "demo-mobile", "redirect_uri": CALLBACK, "response_type": "code", "scope": SCOPE,
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    back = person.answer(f"{live.url}/oauth/authorize?{urlencode(query)}", returns_to=CALLBACK)
    return {
        "grant_type": "authorization_code", "client_id": "demo-mobile", "redirect_uri": CALLBACK,
        "code": parse_qs(urlsplit(back).query)["code"][0], "code_verifier": VERIFIER,
    }  # fmt: skip


def another_app(live: Server) -> requests.Session:
    """Another app of the same user."""
    session = requests.Session()
    token = requests.post(f"{live.url}/oauth/token", grant_of(live), timeout=60).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    return session


def fresh(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_generated_client_pays(name: str, live: Server) -> None:
    language = LANGUAGES[name]
    if name not in WANTED:
        pytest.skip(f"{name}: left out by SDKS; make sdks makes its client")
    if language.missing:
        pytest.skip(f"{name}: no {' and no '.join(language.missing)} on this machine")
    directory = fresh(CACHE / name)
    document = directory.with_suffix(".json")
    document.write_bytes(
        requests.get(f"{live.url}/api/schema", headers={"Accept": "application/json"}, timeout=60).content
    )
    program = language.make(document, directory)

    reference, key = f"Paid by {name}", f"generated-client-{name}-{os.urandom(8).hex()}"
    grant = {"token_endpoint": f"{live.url}/oauth/token", **grant_of(live)}
    given = {"API": f"{live.url}/api/v1", "GRANT": json.dumps(grant), "KEY": key, "REFERENCE": reference}
    done = subprocess.run(
        program,
        cwd=directory,
        env={**os.environ, **SHORT_LIVED, **given},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout.splitlines()[-1])

    bank = another_app(live)  # only now, because its token would have expired while the client was generated
    accounts = bank.get(f"{live.url}/api/v1/accounts").json()["data"]
    transfers = bank.get(f"{live.url}/api/v1/transfers?limit=200").json()["data"]
    [paid] = [one for one in transfers if one["reference"] == reference]
    assert said.pop("transactions") > 10 * (said["pages"] - 1) > 50
    assert said.pop("pages") > 5
    if name in DIRECT_DEBITS:
        cancelled = bank.get(f"{live.url}/api/v1/direct-debits?status=cancelled").json()["data"]
        assert said.pop("cancelled") in [one["id"] for one in cancelled]
        assert said.pop("is_available") is True
    assert said == {
        "accounts": len(accounts), "rehearsed": "posted", "transfer": paid["id"], "again": paid["id"], "replayed": "true",
        "paid_to": True, "problem": "insufficient_funds",
    }  # fmt: skip
    assert paid["amount"] == {"currency": "GBP", "minor_units": 101}
