"""Other projects' client libraries, each used as its documentation says: log in, call, refresh, log out.

The programs are in the folder of their language. docs/clients.md tells the same to developers of clients.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.interop import programs
from tests.interop.site import Site
from tests.lib import person
from tests.lib.client_keys import ClientKey
from tests.lib.http_listener import HttpListener
from tests.lib.oauth_client import CHALLENGE, VERIFIER
from tests.lib.servers import wait_until
from tests.lib.toolchains import GO, JAVA, NODE, PYTHON, Toolchain

Prepare = Callable[[Toolchain], Path]

NATIVE = "http://127.0.0.1:51234/callback"
LOCAL = "http://localhost:3000/callback"
AFTER = "http://localhost:3000/?state="
BYE = f"{AFTER}bye"
SCOPES = "openid profile email offline_access accounts:read"
ACCOUNTS = 3  # of Alice


def program(folder: Path, toolchain: Toolchain, name: str) -> programs.Program:
    command = {
        "node": ["node", name],
        "python": [folder / ".venv/bin/python", name],
        "go": [folder / "bin" / name],
        "java": ["java", "-cp", "classes:lib/*", name],
    }[toolchain.language]
    return programs.Program(command, folder)


def registered(site: Site, name: str, redirect_uri: str, *, is_public: bool, **metadata: Any) -> dict[str, Any]:
    return site.register(
        client_name=name,
        redirect_uris=[redirect_uri],
        grant_types=["authorization_code", "refresh_token"],
        scope=SCOPES,
        application_type="native" if is_public else "web",
        token_endpoint_auth_method="none" if is_public else "client_secret_basic",
        **metadata,
    )


@dataclass(frozen=True)
class Case:
    """`name` is its name in the last line of `make interop`; `expected` is the part of its report that is always the
    same.
    """

    name: str
    toolchain: Toolchain
    file: str
    expected: dict[str, Any]
    is_public: bool = True
    variables: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.name, "public" if self.is_public else "secret", *self.variables.values()])


def case(*arguments: Any, **more: Any) -> Any:
    made = Case(*arguments, **more)
    return pytest.param(made, id=str(made), marks=pytest.mark.client(made.name))


ALICE = {"user": person.EMAIL, "accounts": ACCOUNTS, "refreshed": True}
ENDED = {"accounts": ACCOUNTS, "refreshed": True, "refused": "invalid_grant"}
CASES = [
    case("openid-client", NODE, "openid-client.mjs", {**ALICE, "rotated": True, "service": "bearer", "loggedOut": BYE}),
    case("openid-client", NODE, "openid-client.mjs", {**ALICE, "rotated": False, "service": "bearer", "loggedOut": BYE}, is_public=False),
    case("oauth4webapi", NODE, "oauth4webapi.mjs", {"accounts": ACCOUNTS, "refreshed": True, "scope": "accounts:read"}),
    case("oauth4webapi", NODE, "oauth4webapi.mjs", {"accounts": ACCOUNTS, "refreshed": True}, is_public=False),
    case("oidc-client-ts", NODE, "oidc-client-ts.mjs", {**ALICE, "userState": "the-app-was-here", "refused": "invalid_grant", "loggedOut": "bye"}),
    case("MSAL-node", NODE, "msal-node.mjs", ALICE),
    case("MSAL-node", NODE, "msal-node.mjs", ALICE, is_public=False),
    # With “User claims in the ID token”, neither library calls UserInfo or requests a claim by name.
    case("MSAL-node", NODE, "msal-node.mjs", ALICE, is_public=False, variables={"USER_INFO": "no"}),
    case("oidc-client-ts", NODE, "oidc-client-ts.mjs", {**ALICE, "loggedOut": "bye"}, variables={"USER_INFO": "no"}),
    case("simple-oauth2", NODE, "simple-oauth2.mjs", {**ENDED, "service": "Bearer"}, is_public=False,
         variables={"AUTHORIZATION_METHOD": "header"}),
    case("simple-oauth2", NODE, "simple-oauth2.mjs", {**ENDED, "service": "Bearer"}, is_public=False,
         variables={"AUTHORIZATION_METHOD": "body"}),
    case("@badgateway/oauth2-client", NODE, "badgateway-oauth2-client.mjs", ENDED),
    case("@badgateway/oauth2-client", NODE, "badgateway-oauth2-client.mjs", {**ENDED, "active": True}, is_public=False),
    case("AppAuth-JS", NODE, "appauth-js.bundle.mjs", {"accounts": ACCOUNTS, "refreshed": True, "valid": True}),
    case("Authlib", PYTHON, "authlib_app.py", {**ALICE, **ENDED, "revoked": 200}),
    case("Authlib", PYTHON, "authlib_app.py", {**ALICE, **ENDED, "revoked": 200}, is_public=False),
    case("requests-oauthlib", PYTHON, "requests_oauthlib_app.py", {**ALICE, **ENDED, "revoked": 200}),
    case("requests-oauthlib", PYTHON, "requests_oauthlib_app.py", {**ALICE, **ENDED, "revoked": 200}, is_public=False),
    case("golang.org/x/oauth2", GO, "oauth2", {**ALICE, **ENDED, "revoked": 200, "service": "Bearer", "nonce": "the-nonce"}),
    case("golang.org/x/oauth2", GO, "oauth2", {**ALICE, **ENDED, "revoked": 200, "service": "Bearer"}, is_public=False),
]  # fmt: skip


@pytest.mark.parametrize("one", CASES)
def test_an_app_logs_in_calls_the_api_and_refreshes(site: Site, prepared: Prepare, tmp_path: Path, one: Case) -> None:
    folder = prepared(one.toolchain)
    redirect_uri = NATIVE if one.is_public else LOCAL
    client = registered(
        site, one.name, redirect_uri, is_public=one.is_public,
        post_logout_redirect_uris=["http://localhost:3000/"],
    )  # fmt: skip
    if one.variables.get("USER_INFO") == "no":
        site.tick(client["client_id"], "user_claims_in_id_token")
    service = site.demo_client("demo-service")
    environment = programs.environment_for(
        site, CLIENT_ID=client["client_id"], CLIENT_SECRET=client.get("client_secret"), REDIRECT_URI=redirect_uri,
        AFTER_LOGOUT="http://localhost:3000/", SERVICE_ID=service["client_id"], SERVICE_SECRET=service["client_secret"],
        **one.variables,
    )  # fmt: skip
    report = programs.run(
        program(folder, one.toolchain, one.file),
        environment,
        site=site,
        returns_to=(redirect_uri, AFTER),
        log=tmp_path / "log",
    )
    assert report.items() >= one.expected.items(), report


@pytest.mark.client("MCP SDK")
def test_an_mcp_client_finds_everything_from_the_refusal_of_the_resource(
    site: Site, prepared: Prepare, tmp_path: Path
) -> None:
    """RFC 9728 §5.1, RFC 8414, RFC 7591, RFC 8707."""
    environment = programs.environment_for(site, REDIRECT_URI=NATIVE, INITIAL_ACCESS_TOKEN=site.registration_token)
    report = programs.run(
        program(prepared(NODE), NODE, "mcp-sdk.mjs"), environment, site=site, returns_to=(NATIVE,), log=tmp_path / "log"
    )
    assert report.pop("client")
    assert report == {
        "challenged": 401, "scope": "accounts:read", "found": f"{site.issuer}/.well-known/oauth-protected-resource/api/v1",
        "steps": "REDIRECT AUTHORIZED AUTHORIZED", "accounts": ACCOUNTS, "refreshed": True,
    }  # fmt: skip


@dataclass(frozen=True)
class Described:
    """A client without registration: its ID is the URL of a metadata document that it serves itself."""

    name: str
    file: str
    expected: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)


DESCRIBED = [
    Described("MCP SDK", "mcp-sdk.mjs", {"steps": "REDIRECT AUTHORIZED AUTHORIZED", "accounts": ACCOUNTS}),
    Described("openid-client", "openid-client.mjs", {**ALICE, "rotated": True, "loggedOut": BYE}),
    Described(
        "oauth4webapi", "fapi-oauth4webapi.mjs", {"answered": "response", "type": "dpop", "accounts": 3},
        {"security_profile": "fapi2-message-signing", "token_endpoint_auth_method": "private_key_jwt"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "one", [pytest.param(one, id=one.name, marks=pytest.mark.client(one.name)) for one in DESCRIBED]
)
def test_a_client_with_a_metadata_document_needs_no_registration(
    site: Site, prepared: Prepare, tmp_path: Path, one: Described
) -> None:
    """draft-ietf-oauth-client-id-metadata-document; the document is on this machine, which this site allows."""
    key = ClientKey()
    with HttpListener(certificate=site.certificate) as app:
        address = f"https://localhost:{app.port}/client.json"
        app.body = {
            "client_id": address, "client_name": one.name, "redirect_uris": [NATIVE], "scope": SCOPES,
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "post_logout_redirect_uris": ["http://localhost:3000/"], "application_type": "native",
            "token_endpoint_auth_method": "none", "jwks": {"keys": [key.public]}, **one.metadata,
        }  # fmt: skip
        service = site.demo_client("demo-service")
        environment = programs.environment_for(
            site, CLIENT_ID=address, CLIENT_METADATA_URL=address, REDIRECT_URI=NATIVE,
            AFTER_LOGOUT="http://localhost:3000/", PRIVATE_KEY=json.dumps({**key.jwk.export_private(as_dict=True), "kid": key.kid}),
            SERVICE_ID=service["client_id"], SERVICE_SECRET=service["client_secret"],
        )  # fmt: skip
        report = programs.run(
            program(prepared(NODE), NODE, one.file), environment, site=site, returns_to=(NATIVE, AFTER),
            log=tmp_path / "log",
        )  # fmt: skip
        assert report.items() >= one.expected.items(), report
        assert report.get("client", address) == address
        assert [path for _, path, _ in app.received] == ["/client.json"]


@pytest.mark.client("openid-client")
def test_pushed_requests_dpop_introspection_revocation_and_devices(
    site: Site, prepared: Prepare, tmp_path: Path
) -> None:
    client = site.demo_client("demo-web")
    environment = programs.environment_for(
        site, CLIENT_ID="demo-web", CLIENT_SECRET=client["client_secret"], REDIRECT_URI=LOCAL, DEVICE_ID="demo-device"
    )
    report = programs.run(
        program(prepared(NODE), NODE, "fapi-building-blocks.mjs"), environment, site=site, returns_to=(LOCAL,),
        log=tmp_path / "log",
    )  # fmt: skip
    assert report == {
        "pushed": True, "type": "dpop", "accounts": ACCOUNTS, "email": person.EMAIL, "before": True, "after": False,
        "television": "accounts:read",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "fapi-openid-client.mjs",
            {"pushed": "client_id request_uri", "answered": "response", "type": "dpop", "picked": 3, "accounts": 3},
            marks=pytest.mark.client("openid-client"),
        ),
        pytest.param(
            "fapi-oauth4webapi.mjs",
            {"answered": "response", "type": "dpop", "accounts": 3},
            marks=pytest.mark.client("oauth4webapi"),
        ),
    ],
)
def test_fapi_2_0_with_signed_messages(
    site: Site, prepared: Prepare, tmp_path: Path, name: str, expected: dict[str, Any]
) -> None:
    key = json.dumps(site.demo_client("demo-fapi")["private_key"])
    environment = programs.environment_for(site, CLIENT_ID="demo-fapi", PRIVATE_KEY=key, REDIRECT_URI=LOCAL)
    report = programs.run(
        program(prepared(NODE), NODE, name), environment, site=site, returns_to=(LOCAL,), log=tmp_path / "log"
    )
    assert report == expected


VERIFIERS = [
    pytest.param("jose.mjs", NODE, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", id="jose", marks=pytest.mark.client("jose")),
    pytest.param("pyjwt_verifier.py", PYTHON, "InvalidSignatureError", id="pyjwt", marks=pytest.mark.client("PyJWKClient")),
    pytest.param("verifier", GO, "failed to verify signature: failed to verify id token signature", id="go-oidc",
                 marks=pytest.mark.client("go-oidc")),
    pytest.param("verifier.Verifier", JAVA, "BadJWSException", id="nimbus", marks=pytest.mark.client("Nimbus")),
]  # fmt: skip


@pytest.mark.parametrize(("file", "toolchain", "refusal"), VERIFIERS)
def test_a_verifier_accepts_our_tokens_and_refuses_all_others(
    site: Site, prepared: Prepare, tmp_path: Path, file: str, toolchain: Toolchain, refusal: str
) -> None:
    """RFC 9068 §4, OpenID Connect Core §3.1.3.7."""
    tokens = tokens_of_alice(site)
    header, payload, signature = tokens["access_token"].split(".")
    forged = f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    environment = programs.environment_for(
        site, CLIENT_ID="demo-mobile", ACCESS_TOKEN=tokens["access_token"], ID_TOKEN=tokens["id_token"],
        FORGED_TOKEN=forged,
    )  # fmt: skip
    report = programs.run(program(prepared(toolchain), toolchain, file), environment, site=site, log=tmp_path / "log")
    assert report.pop("subject")
    assert set(report.pop("scope").split()) == {"openid", "accounts:read"}
    assert report.pop("same") is True
    assert report.pop("forged") == refusal
    assert sorted(report) == ["elsewhere", "id_token"]
    assert "accepted" not in report.values(), report


def tokens_of_alice(site: Site) -> dict[str, str]:
    """An access token and an ID token of the demo's native app."""
    with programs.browser(site) as user:
        url = requests.Request(
            url=f"{site.issuer}/oauth/authorize",
            params={
                "client_id": "demo-mobile", "redirect_uri": NATIVE, "response_type": "code",
                "scope": "openid accounts:read", "code_challenge_method": "S256",
                "code_challenge": CHALLENGE,
            },
        ).prepare().url or ""  # fmt: skip
        callback = person.answer(url, returns_to=NATIVE, browser=user)
    code = callback.partition("code=")[2].partition("&")[0]
    form = {
        "grant_type": "authorization_code", "client_id": "demo-mobile", "code": code, "redirect_uri": NATIVE,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    answer = requests.post(f"{site.issuer}/oauth/token", form, verify=str(site.authority), timeout=60)
    tokens: dict[str, str] = answer.json()
    return tokens


@dataclass(frozen=True)
class WebApp:
    """`callback` is the path that the library has for its redirect URI."""

    name: str
    toolchain: Toolchain
    file: str
    callback: str
    login: str = "/login"


WEB_APPS = [
    WebApp("passport-oauth2", NODE, "passport-oauth2.mjs", "/callback"),
    WebApp("@auth/core", NODE, "auth-core.mjs", "/auth/callback/countersign"),
    WebApp(
        "mozilla-django-oidc", PYTHON, "django_relying_party.py", "/oidc/callback/", login="/oidc/authenticate/",
    ),
    WebApp(
        "Spring Security client", JAVA, "client.ClientApplication", "/login/oauth2/code/countersign",
        login="/oauth2/authorization/countersign",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "app", [pytest.param(one, id=one.name, marks=pytest.mark.client(one.name)) for one in WEB_APPS]
)
def test_a_web_app_logs_in_calls_the_api_refreshes_and_logs_out(
    site: Site, prepared: Prepare, tmp_path: Path, app: WebApp
) -> None:
    folder = prepared(app.toolchain)
    origin = programs.free_origin()
    redirect_uri = f"{origin}{app.callback}"
    client = registered(site, app.name, redirect_uri, is_public=False, post_logout_redirect_uris=[f"{origin}/me"])
    environment = programs.environment_for(
        site, CLIENT_ID=client["client_id"], CLIENT_SECRET=client["client_secret"], DATABASE=str(tmp_path / "db")
    )
    log = tmp_path / "log"
    with (
        programs.serving(program(folder, app.toolchain, app.file), environment, origin=origin, log=log),
        programs.browser(site) as user,
    ):
        start = login_url(user, origin) if app.name == "@auth/core" else f"{origin}{app.login}"
        user.get(person.answer(start, returns_to=redirect_uri, browser=user))
        me = user.get(f"{origin}/me")
        assert me.status_code == 200, log.read_text()[-5000:]
        assert me.json()["user"] == person.EMAIL, log.read_text()[-5000:]
        assert len(me.json().get("accounts") or user.get(f"{origin}/accounts").json()) == ACCOUNTS
        user.get(f"{origin}/expire")
        refreshed = user.get(f"{origin}/refresh")
        assert refreshed.ok, log.read_text()[-5000:]
        assert refreshed.json() == {"refreshed": True}
        after = user.get(f"{origin}{'/oidc/logout/' if app.toolchain is PYTHON else '/logout'}")
        assert after.url == f"{origin}/me"
        assert not any(after.json().values())
        assert user.get(f"{site.issuer}/oauth/apps", allow_redirects=False).status_code == 302, "still logged in"


def login_url(user: requests.Session, origin: str) -> str:
    """Auth.js starts a login by a form with a token against CSRF."""
    token = user.get(f"{origin}/auth/csrf").json()["csrfToken"]
    answer = user.post(
        f"{origin}/auth/signin/countersign", {"csrfToken": token, "callbackUrl": f"{origin}/me"}, allow_redirects=False
    )
    return answer.headers["Location"]


@pytest.mark.client("Spring Security client")
def test_a_back_channel_logout_ends_the_session_of_a_web_app(site: Site, prepared: Prepare, tmp_path: Path) -> None:
    """OpenID Connect Back-Channel Logout §2.5: the user logs out at the server, and the session of the app ends."""
    origin = programs.free_origin()
    redirect_uri = f"{origin}/login/oauth2/code/countersign"
    client = registered(
        site, "Spring Security", redirect_uri, is_public=False, backchannel_logout_session_required=True,
        backchannel_logout_uri=f"{origin}/logout/connect/back-channel/countersign",
    )  # fmt: skip
    environment = programs.environment_for(site, CLIENT_ID=client["client_id"], CLIENT_SECRET=client["client_secret"])
    program_of_app = program(prepared(JAVA), JAVA, "client.ClientApplication")
    log = tmp_path / "log"
    with (
        programs.serving(program_of_app, environment, origin=origin, log=log),
        programs.browser(site) as user,
    ):
        start = f"{origin}/oauth2/authorization/countersign"
        user.get(person.answer(start, returns_to=redirect_uri, browser=user))
        assert user.get(f"{origin}/me").json() == {"user": person.EMAIL}
        person.log_out(user, site.issuer)
        wait_until(lambda: user.get(f"{origin}/me").json() == {}, or_else=lambda: log.read_text()[-5000:])


@pytest.mark.client("Spring Security resource server")
def test_a_resource_server_accepts_what_its_scopes_allow(site: Site, prepared: Prepare, tmp_path: Path) -> None:
    """RFC 9068 §4, RFC 6750 §3.1."""
    tokens = tokens_of_alice(site)
    origin = programs.free_origin()
    program_of_api = program(prepared(JAVA), JAVA, "api.ApiApplication")
    log = tmp_path / "log"
    with programs.serving(program_of_api, programs.environment_for(site), origin=origin, log=log):

        def ask(path: str, token: str) -> requests.Response:
            return requests.get(f"{origin}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=60)

        answer = ask("/accounts", tokens["access_token"])
        assert answer.status_code == 200, f"{answer.headers}\n{log.read_text()[-5000:]}"
        assert set(answer.json()["scope"].split()) == {"openid", "accounts:read"}
        assert ask("/payments", tokens["access_token"]).status_code == 403
        assert ask("/accounts", tokens["id_token"]).status_code == 401
        assert ask("/accounts", tokens["access_token"][:-8]).status_code == 401


@pytest.mark.client("oauth2-proxy")
def test_a_proxy_logs_users_in_for_an_app_that_knows_nothing_of_it(
    site: Site, prepared: Prepare, tmp_path: Path
) -> None:
    folder = prepared(GO)
    origin = programs.free_origin()
    redirect_uri = f"{origin}/oauth2/callback"
    client = registered(
        site, "oauth2-proxy", redirect_uri, is_public=False, post_logout_redirect_uris=[f"{origin}/ping"]
    )
    command = [
        folder / "bin/oauth2-proxy", "--provider=oidc", f"--oidc-issuer-url={site.issuer}",
        f"--provider-ca-file={site.authority}", f"--http-address={origin.removeprefix('http://')}",
        f"--redirect-url={redirect_uri}", f"--client-id={client['client_id']}",
        f"--client-secret={client['client_secret']}", "--scope=openid email offline_access accounts:read",
        "--code-challenge-method=S256", "--email-domain=*", "--cookie-secure=false", "--cookie-refresh=1s",
        "--cookie-secret=0123456789abcdef0123456789abcdef", "--skip-provider-button=true", "--upstream=static://200",
        "--set-xauthrequest=true", "--pass-access-token=true", f"--whitelist-domain={site.issuer.partition('//')[2]}",
    ]  # fmt: skip
    log = tmp_path / "log"
    proxy = programs.Program(command, folder)
    with (
        programs.serving(proxy, programs.environment_for(site), origin=origin, log=log, health="/ping"),
        programs.browser(site) as user,
    ):
        user.get(person.answer(f"{origin}/anything", returns_to=redirect_uri, browser=user))

        def accounts() -> tuple[str, int]:
            told = user.get(f"{origin}/oauth2/auth")
            assert told.status_code == 202, log.read_text()[-5000:]
            assert told.headers["X-Auth-Request-Email"] == person.EMAIL
            token = told.headers["X-Auth-Request-Access-Token"]
            headers = {"Authorization": f"Bearer {token}"}
            answer = requests.get(f"{site.api}/accounts", headers=headers, verify=str(site.authority), timeout=60)
            return token, len(answer.json()["data"])

        first, count = accounts()
        assert count == ACCOUNTS
        wait_until(lambda: accounts() not in ((first, ACCOUNTS),), or_else=lambda: log.read_text()[-5000:])
        assert accounts()[1] == ACCOUNTS

        query = urlencode({"client_id": client["client_id"], "post_logout_redirect_uri": f"{origin}/ping"})
        left = user.get(f"{origin}/oauth2/sign_out", params={"rd": f"{site.issuer}/oauth/logout?{query}"})
        assert left.url.startswith(f"{site.issuer}/oauth/logout"), "without an ID token, the user is asked"
        assert user.get(f"{origin}/oauth2/auth").status_code == 401
