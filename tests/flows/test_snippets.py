"""The programs of the guide /build, copied from its pages and run unchanged with a client that is registered here.

Swift and Kotlin cannot run here, so the test sends the same requests to the same URLs itself.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
import requests
from bs4 import BeautifulSoup

from oauth.models.client import Kind
from tests.lib import person
from tests.lib.node import NODE, needs_node, skip_without_node
from tests.lib.oauth_client import CHALLENGE, VERIFIER
from tests.lib.servers import Server

pytestmark = pytest.mark.served

LOCAL = "http://localhost:3000/callback"
REAL = {  # kind -> (client of the demo, its redirect URI instead of the guide's)
    "mobile": ("demo-mobile", "com.example.countersign:/callback"),
    "browser": ("demo-web", LOCAL),
    "web": ("demo-web", LOCAL),
    "service": ("demo-service", ""),
    "device": ("demo-device", ""),
}
RUN = {
    "mobile": {"LogIn.swift", "LogIn.kt", "app.py"}, "browser": {"bff.mjs"}, "web": {"app.py", "app.mjs"},
    "service": {"service.sh", "service.py", "service.mjs"}, "device": {"device.py"},
}  # fmt: skip


def program(live: Server, kind: str, file_name: str) -> str:
    """The program from the page, for an existing client."""
    page = BeautifulSoup(requests.get(f"{live.url}/build/{kind}", timeout=60).text, "html.parser")
    found = page.find(id=file_name)
    assert found, f"{file_name} is not in /build/{kind}"
    client_id, redirect_uri = REAL[kind]
    code = found.get_text().replace("your-client-id", client_id)
    return re.sub(r"com\.example\.app:/callback|https?://(app\.example|127\.0\.0\.1:3000)/callback", redirect_uri, code)


def secret(live: Server, client_id: str) -> str:
    return json.loads((live.data_dir / "clients.json").read_text())[client_id].get("client_secret", "")


@contextmanager
def running(live: Server, kind: str, file_name: str) -> Iterator[subprocess.Popen[str]]:
    code = program(live, kind, file_name)
    command = {
        "py": [sys.executable, "-c", code],
        "mjs": ["node", "--input-type=module", "--eval", code],
        "sh": ["sh", "-c", code],
    }[file_name.rpartition(".")[2]]
    environment = {**os.environ, "CLIENT_SECRET": secret(live, REAL[kind][0])}
    process = subprocess.Popen(
        command,
        cwd=NODE,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def answered(process: subprocess.Popen[str], text: str = "") -> str:
    output, errors = process.communicate(text, timeout=200)
    assert process.returncode == 0, errors + output
    return output


def test_every_program_of_the_guide_is_run_here(live: Server) -> None:
    assert set(RUN) == set(Kind.values)
    for kind, names in RUN.items():
        page = BeautifulSoup(requests.get(f"{live.url}/build/{kind}", timeout=60).text, "html.parser")
        assert {code["id"] for code in page.select("pre code")} == names
    assert requests.get(f"{live.url}/build", timeout=60).status_code == 200
    assert requests.get(f"{live.url}/build/nonsense", timeout=60).status_code == 404


@pytest.mark.parametrize("file_name", ["service.sh", "service.py", pytest.param("service.mjs", marks=needs_node)])
def test_a_service(live: Server, libraries: None, file_name: str) -> None:
    with running(live, "service", file_name) as process:
        assert "Status: 200" in answered(process)


@pytest.mark.parametrize(
    ("kind", "file_name"), [("mobile", "app.py"), ("web", "app.py"), pytest.param("web", "app.mjs", marks=needs_node)]
)
def test_an_app_with_a_user(live: Server, libraries: None, kind: str, file_name: str) -> None:
    with running(live, kind, file_name) as process:
        assert process.stdout
        url = process.stdout.readline().partition("Open this: ")[2].strip()
        assert url, process.stderr.read() if process.stderr else ""
        output = answered(process, person.answer(url, returns_to=REAL[kind][1]) + "\n")
    assert "Status: 200" in output


def test_a_device(live: Server) -> None:
    with running(live, "device", "device.py") as process:
        assert process.stdout
        shown = process.stdout.readline()
        person.let_in(shown[shown.index("http") :].strip())
        assert "Status: 200" in answered(process)


@pytest.mark.node
@skip_without_node
def test_a_back_end_for_a_front_end(live: Server, libraries: None) -> None:
    """The browser never gets a token. Scripts cannot read its session cookie, and other sites cannot make the browser
    send it.
    """
    app = "http://localhost:3000"
    with running(live, "browser", "bff.mjs") as process, requests.Session() as browser:
        assert process.stdout
        assert "Listening" in process.stdout.readline()
        callback = person.answer(f"{app}/log-in", returns_to=LOCAL, browser=browser)
        before = browser.cookies["sid"]
        came_back = browser.get(callback, timeout=60)
        assert came_back.text == "Logged in"
        cookie = next(one for one in browser.cookies if one.name == "sid")
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.value != before  # no session fixation
        accounts = browser.get(f"{app}/api/accounts", headers={"X-Requested-By": "app"}, timeout=60)
        assert (accounts.status_code, len(accounts.json()["data"])) == (200, 3)
        assert browser.get(f"{app}/api/accounts", timeout=60).status_code == 403
        assert requests.get(f"{app}/api/accounts", timeout=60).status_code == 401
        seen = [came_back.text, accounts.text, str(accounts.headers), str(browser.cookies)]
        assert not [text for text in seen if re.search(r"eyJ[\w-]+\.eyJ", text)]


@pytest.mark.parametrize(
    ("file_name", "issuer", "redirect", "client_id", "scope"),
    [
        ("LogIn.swift", r'let issuer = URL\(string: "(.+?)"', r'let redirectURI = URL\(string: "(.+?)"', r'clientId: "(.+?)"', r"scopes: (\[.+?\])"),
        ("LogIn.kt", r'issuer = Uri.parse\("(.+?)"', r'redirectUri = Uri.parse\("(.+?)"', r'Builder\(configuration, "(.+?)"', r'setScope\("(.+?)"'),
    ],
)  # fmt: skip
def test_what_appauth_sends_is_accepted(
    live: Server, file_name: str, issuer: str, redirect: str, client_id: str, scope: str
) -> None:
    code = program(live, "mobile", file_name)
    values = [re.search(pattern, code)[1] for pattern in (issuer, redirect, client_id, scope)]  # type: ignore[index]
    scopes = " ".join(json.loads(values[3])) if values[3].startswith("[") else values[3]
    # AppAuth's discovery, then the parameters of its authorization and token requests.
    server = requests.get(f"{values[0]}/.well-known/openid-configuration", timeout=60).json()
    query = {
        "client_id": values[2], "redirect_uri": values[1], "scope": scopes, "response_type": "code",
        "state": "state-of-appauth", "nonce": "nonce-of-appauth", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    callback = person.answer(f"{server['authorization_endpoint']}?{urlencode(query)}", returns_to=values[1])
    form = {
        "grant_type": "authorization_code", "client_id": values[2], "redirect_uri": values[1], "code_verifier": VERIFIER,
        "code": re.search(r"[?&]code=([^&]+)", callback)[1],  # type: ignore[index]
    }  # fmt: skip
    tokens = requests.post(server["token_endpoint"], data=form, timeout=60).json()
    renewed = requests.post(
        server["token_endpoint"], timeout=60,
        data={"grant_type": "refresh_token", "client_id": values[2], "refresh_token": tokens["refresh_token"]},
    ).json()  # fmt: skip
    api = re.search(r'"(http[^"]+/accounts)"', code)[1]  # type: ignore[index]
    headers = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert requests.get(api, headers=headers, timeout=60).status_code == 200
    assert renewed["refresh_token"] != tokens["refresh_token"]  # as the program's comment says


def test_the_mistakes_are_what_the_server_does(live: Server) -> None:
    """Tests the guide's statement about tokens in URLs."""
    for url in (f"{live.url}/api/v1/accounts?access_token=x", f"{live.url}/oauth/userinfo?access_token=x"):
        assert requests.get(url, timeout=60).status_code in (400, 401)
    in_the_address = requests.post(
        f"{live.url}/oauth/token?grant_type=client_credentials", data={"client_id": "x"}, timeout=60
    )
    assert in_the_address.json()["error"] == "invalid_request"
    assert (
        "token"
        not in requests.get(f"{live.url}/.well-known/openid-configuration", timeout=60).json()[
            "response_types_supported"
        ]
    )
