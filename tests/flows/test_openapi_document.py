"""Valid and invalid requests, generated from the served OpenAPI document, with the tokens of two users.

Schemathesis checks that no answer is 5xx, or has a status, header, type or body that the document does not describe. No
invalid request is accepted, no valid one is refused, no request succeeds without a token, and Bob gets no data of
Alice.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from demo.seed import clients
from tests.lib import person, servers
from tests.lib.bank_endpoints import ENDPOINTS
from tests.lib.servers import ROOT, Server

pytestmark = pytest.mark.served

HERE = Path(__file__).parent
CALLBACK = "http://localhost:3000/callback"
VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"  # its SHA-256
SCOPE = (
    "accounts:read accounts:detail balances:read transactions:read statements:read transfers:read transfers:write "
    "party:read payees:read payees:write webhooks:manage funds:confirm direct-debits:read direct-debits:write"
)


@pytest.fixture(scope="module")
def live(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A separate demo, because the requests change and cancel everything that they find. On a busy machine, they take
    longer than the five minutes of an access token; after that, every answer would be 401.
    """
    folder, lifetime = tmp_path_factory.mktemp("document"), {"ACCESS_TOKEN_LIFETIME_SECONDS": "900"}
    with servers.demo(folder, seeded, name="document", **lifetime) as server:
        yield server


def access_token(live: Server, email: str) -> str:
    query = {
        "client_id": "demo-web", "redirect_uri": CALLBACK, "response_type": "code", "scope": SCOPE,
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    back = person.answer(f"{live.url}/oauth/authorize?{urlencode(query)}", returns_to=CALLBACK, email=email)
    form = {
        "grant_type": "authorization_code", "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
    }  # fmt: skip
    secret = clients.read(live.data_dir)["demo-web"]["client_secret"]
    answer = requests.post(f"{live.url}/oauth/token", form, auth=("demo-web", secret), timeout=60)
    assert answer.ok, answer.text
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
def two_people(live: Server, tmp_path: Path) -> Path:
    people = [
        {"name": email.partition("@")[0], "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}
        for email in ("alice@demo.test", "bob@demo.test")
        for token in [access_token(live, email)]
    ]
    path = tmp_path / "people.yaml"
    path.write_text(json.dumps({"schema_version": "0.2.0", "auth": people}))
    return path


def run(live: Server, people: Path, *options: str) -> str:
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run",
        f"{live.url}/api/schema", "--auth-wfc", people, "--checks=all", "--seed=1", "--no-color", *options,
    ]  # fmt: skip
    hooks = {"SCHEMATHESIS_HOOKS": "tests.flows.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command,
        cwd=people.parent,
        env={**os.environ, **hooks},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout


def test_every_operation_answers_as_the_document_says(live: Server, two_people: Path) -> None:
    said = run(live, two_people, "--max-examples=10", "--exclude-operation-id=delete_consent")
    assert f"Selected: {len(ENDPOINTS) - 1}/{len(ENDPOINTS)}" in said


def test_giving_access_back_answers_as_the_document_says(live: Server, two_people: Path) -> None:
    """Tested separately, because it ends the token of the other operations."""
    run(live, two_people, "--max-examples=3", "--include-operation-id=delete_consent")
