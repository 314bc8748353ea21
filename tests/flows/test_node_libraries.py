"""openid-client, oauth4webapi and oidc-client-ts from npm: the libraries that most JavaScript apps use."""

import json
import subprocess
from typing import Any

import pytest
import requests

from tests.lib import person
from tests.lib.node import NODE, needs_node
from tests.lib.servers import Server

pytestmark = needs_node


def run(script: str, *arguments: str, redirect_uri: str, has_device: bool = False) -> dict:
    """The script asks for a URL to be opened; a person opens it, and the script is told where they came back."""
    with subprocess.Popen(
        ["node", script, *arguments],
        cwd=NODE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        assert url.startswith("http"), process.stderr.read()
        callback = person.answer(url, returns_to=redirect_uri)
        if has_device:
            process.stdin.write(f"{callback}\n")
            process.stdin.flush()
            shown = process.stdout.readline().strip()
            assert shown.startswith("http"), process.stderr.read()
            person.let_in(shown)
            callback = "let in"
        output, errors = process.communicate(f"{callback}\n", timeout=200)
    assert process.returncode == 0, errors
    return json.loads(output)


CLIENTS = [("demo-mobile", "http://127.0.0.1:51234/callback"), ("demo-web", "http://localhost:3000/callback")]


@pytest.mark.parametrize(("client_id", "redirect_uri"), CLIENTS)
def test_openid_client(live: Server, libraries: None, client_id: str, redirect_uri: str) -> None:
    clients = json.loads((live.data_dir / "clients.json").read_text())
    secret = clients[client_id].get("client_secret", "-")
    service_secret = clients["demo-service"]["client_secret"]
    result = run(
        "openid-client.mjs", live.url, client_id, secret, redirect_uri, service_secret, redirect_uri=redirect_uri
    )
    assert result.pop("subject")
    assert result == {"accounts": 3, "refreshed": True, "rotated": client_id == "demo-mobile", "service": "bearer"}


@pytest.mark.parametrize(("client_id", "redirect_uri"), CLIENTS)
def test_oauth4webapi(live: Server, libraries: None, client_id: str, redirect_uri: str) -> None:
    clients = json.loads((live.data_dir / "clients.json").read_text())
    result = run(
        "oauth4webapi.mjs", live.url, client_id, clients[client_id].get("client_secret", "-"), redirect_uri,
        redirect_uri=redirect_uri,
    )  # fmt: skip
    assert result == {"accounts": 3, "client_id": client_id, "scope": "accounts:read"}


def test_oidc_client_ts(live: Server, libraries: None) -> None:
    """What a single-page app does, log-out included: it brings the person back."""
    redirect_uri, after = "http://localhost:3000/callback", "http://localhost:3000/"
    result = run("oidc-client-ts.mjs", live.url, "demo-browser", redirect_uri, after, redirect_uri=redirect_uri)
    signout = result.pop("signout")
    assert result == {
        "email": "alice@demo.test", "userState": "the-app-was-here", "accounts": 3, "refused": "invalid_grant",
    }  # fmt: skip
    answer = requests.get(signout, allow_redirects=False, timeout=60)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{after}?state=")


def test_pushed_requests_dpop_introspection_revocation_and_devices(live: Server, libraries: None) -> None:
    redirect_uri = "http://localhost:3000/callback"
    secret = json.loads((live.data_dir / "clients.json").read_text())["demo-web"]["client_secret"]
    result = run(
        "fapi-building-blocks.mjs", live.url, "demo-web", secret, redirect_uri, "demo-device",
        redirect_uri=redirect_uri, has_device=True,
    )  # fmt: skip
    assert result == {
        "pushed": True, "type": "dpop", "accounts": 3, "email": "alice@demo.test", "before": True, "after": False,
        "television": "accounts:read",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("fapi-openid-client.mjs",
         {"pushed": "client_id request_uri", "answered": "response", "type": "dpop", "picked": 3, "accounts": 3}),
        ("fapi-oauth4webapi.mjs", {"answered": "response", "type": "dpop", "accounts": 3}),
    ],
)  # fmt: skip
def test_fapi_2_0_with_signed_messages(live: Server, libraries: None, script: str, expected: dict[str, Any]) -> None:
    redirect_uri = "http://localhost:3000/callback"
    key = json.loads((live.data_dir / "clients.json").read_text())["demo-fapi"]["private_key"]
    assert run(script, live.url, "demo-fapi", json.dumps(key), redirect_uri, redirect_uri=redirect_uri) == expected
