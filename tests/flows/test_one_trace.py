"""One trace from the user's consent to the app's webhook, over the processes of a site, as its collector gets it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from bs4 import BeautifulSoup
from django.conf import settings
from django.test import Client as Browser

from accounts.models import User
from oauth.conf import conf
from oauth.models import Client
from tests.lib.database import url_of
from tests.lib.http_listener import HttpListener
from tests.lib.ledger import funded
from tests.lib.oauth_client import VERIFIER, authorization_url, form_fields
from tests.lib.servers import ROOT, Server, run, wait_until

pytest.importorskip("opentelemetry.sdk", reason="the packages of countersign-oauth[otel] are not installed")
from tests.lib.traces import Span, spans, tree

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.served]

TRACE_ID, REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "0123456789abcdef0123456789abcdef"
OF_APP = {
    "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01",
    "tracestate": "rojo=1,congo=t61",
    "X-Request-Id": REQUEST_ID,
}
SECRET_PATH = "/hooks/a-secret-of-the-app"
STATE = "a-state-of-the-app"
SCOPE = "accounts:read transactions:read webhooks:manage"


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=file,
            stderr=file,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def allowed(server: Server, browser: Browser, app: Client) -> str:
    """The user's browser: the page, then the button. Returns the code."""
    with requests.Session() as session:
        cookie = browser.cookies[settings.SESSION_COOKIE_NAME]
        session.cookies.set(settings.SESSION_COOKIE_NAME, cookie.value, domain="localhost.local")
        session.headers["User-Agent"] = "the browser of Alice"
        page = session.get(f"{server.url}{authorization_url(app, scope=SCOPE, state=STATE)}", timeout=120)
        assert page.status_code == 200, page.text
        ticked = BeautifulSoup(page.content, "html.parser").select("main form input[checked], .everything input")
        fields = [*form_fields(page.content).items(), *((str(one["name"]), str(one["value"])) for one in ticked)]
        answer = session.post(
            f"{server.url}/oauth/authorize", [*fields, ("decision", "allow")], allow_redirects=False, timeout=120
        )
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def only(found: list[Span], name: str, trace_id: str = TRACE_ID) -> Span:
    [span] = [one for one in found if (one.name, one.trace_id) == (name, trace_id)]
    return span


def test_from_consent_to_webhook(tmp_path: Path, browser: Browser, web_app: Client, alice: User) -> None:
    web_app.allowed_scopes = SCOPE.split()
    web_app.save()
    account = funded(alice, "Current account")
    with HttpListener() as collector, HttpListener({}) as app:
        environment = {
            "DATABASE_URL": url_of(), "OAUTH_ISSUER": conf.ISSUER, "OUTBOUND_ALLOWED_HOSTS": app.host,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url(""), "OTEL_BSP_SCHEDULE_DELAY": "100",
        }  # fmt: skip
        worker_log = tmp_path / "worker.log"
        with (
            run("serve", "--workers", "1", data_dir=tmp_path, environment=environment) as server,
            worker(environment, worker_log),
        ):
            code = allowed(server, browser, web_app)
            form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
            credentials = (web_app.client_id, web_app.secret)  # type: ignore[attr-defined]
            token = requests.post(f"{server.url}/oauth/token", form, auth=credentials, headers=OF_APP, timeout=120)
            assert token.status_code == 200, token.text
            access_token = token.json()["access_token"]
            headers = {**OF_APP, "Authorization": f"Bearer {access_token}"}
            hooks = f"{server.url}/api/v1/webhooks"
            body = {"url": app.url(SECRET_PATH), "events": ["transaction.booked"]}
            hook = requests.post(hooks, json=body, headers={**headers, "traceparent": "00-bad"}, timeout=120)
            assert hook.status_code == 201, hook.text
            ping = requests.post(f"{hooks}/{hook.json()['id']}/ping", json={}, headers=headers, timeout=120)
            assert ping.status_code == 202, ping.text
            wait_until(lambda: app.received, or_else=worker_log.read_text)
            wait_until(
                lambda: any(one.kind == "consumer" for one in spans(collector)), or_else=lambda: server.log[-2000:]
            )
        found = spans(collector)  # the processes have ended and sent their remaining spans

    # --- the trace of the app continues in the site, in the worker, and at the app's own receiver
    consent = next(one for one in found if one.name == "POST /oauth/authorize")
    redeemed, called = only(found, "POST /oauth/token"), only(found, "POST /api/v1/webhooks/<str:webhook_id>/ping")
    job, sent = only(found, "banking.deliver_webhook"), only(found, "POST")
    assert redeemed.links == ((consent.trace_id, consent.span_id),)
    assert redeemed.parent_id == called.parent_id == "00f067aa0ba902b7"
    assert (job.parent_id, sent.parent_id) == (called.span_id, job.span_id)
    assert app.received_headers[0]["traceparent"] == f"00-{TRACE_ID}-{sent.span_id}-01"
    assert app.received_headers[0]["tracestate"] == "rojo=1,congo=t61"
    assert called.process != job.process == sent.process
    assert called.attributes["countersign.request_id"] == REQUEST_ID
    assert called.attributes["http.response.status_code"] == 202

    # --- the trace includes SQL statements, prepared ones and COMMIT, too
    inside = [one for one in found if one.parent_id == redeemed.span_id and "db.system.name" in one.attributes]
    assert any("oauth_authorizationcode" in one.name for one in inside), [one.name for one in inside]
    assert any((one.name, one.parent_id) == ("COMMIT", consent.span_id) for one in found)
    # no statement starts its own trace
    assert all(one.parent_id for one in found if "db.system.name" in one.attributes)

    # --- an invalid traceparent makes us begin a new trace (W3C Trace Context §3.2.2.3)
    added = next(one for one in found if one.name == "POST /api/v1/webhooks")
    assert (added.trace_id == TRACE_ID, added.parent_id) == (False, "")

    # --- each log line of the request and of its job has both ids
    lines = [json.loads(line) for line in worker_log.read_text().splitlines()]
    begins = ("Starting job banking.deliver_webhook", "Job banking.deliver_webhook")
    of_job = [line for line in lines if line["message"].startswith(begins)]  # other lines concern the whole worker
    assert len(of_job) == 2
    assert {(line["trace_id"], line["request_id"]) for line in of_job} == {(TRACE_ID, REQUEST_ID)}

    # --- the spans contain no secrets and no personal data
    everything = b"".join(body for _, _, body in collector.received)
    for secret in (
        code, access_token, VERIFIER, STATE, SECRET_PATH, web_app.secret, alice.email, str(alice.pk), "browser of Alice",  # type: ignore[attr-defined]
        browser.cookies[settings.SESSION_COOKIE_NAME].value, str(account.pk), account.iban, hook.json()["id"],
    ):  # fmt: skip
        assert secret.encode() not in everything, secret

    # --- the trace has the form that docs/monitoring.md shows
    names = {called.process: "web server", job.process: "background worker", "127.0.0.1": "hooks.app.example"}
    story = [consent, redeemed, called, job, sent]
    assert tree(story, names) in (ROOT / "docs/monitoring.md").read_text(), tree(story, names)
