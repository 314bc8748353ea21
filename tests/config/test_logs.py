"""One JSON object a line, each with the request's id, and never a secret."""

import base64
import io
import json
import logging
import smtplib
from collections.abc import Iterator
from logging.config import DictConfigurator
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.lib.servers import Server, run

pytestmark = pytest.mark.served

SECRET = "s3cr3t-that-nobody-may-log"
BASIC = base64.b64encode(f"somebody:{SECRET}".encode()).decode()
REQUEST_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def server(transactional_db: None, database_url: str, tmp_path: Path) -> Iterator[Server]:
    """Logging as much as it can."""
    environment = {"DATABASE_URL": database_url, "LOG_LEVEL": "DEBUG"}
    with run("serve", "--workers", "1", data_dir=tmp_path, environment=environment) as server:
        yield server


def test_lines_are_json_with_the_requests_id_and_without_secrets(server: Server) -> None:
    """Codes and tokens come in queries, bodies and headers, to addresses that exist and that do not."""
    fields = dict.fromkeys(("code", "refresh_token", "client_secret", "password", "token", "code_verifier"), SECRET)
    headers = [
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": f"Basic {BASIC}"},
        {"Cookie": f"session={SECRET}"},
    ]
    paths = (f"/accounts/confirm-email/{SECRET}/", f"/nothing/{SECRET}", "/oauth/token", "/oauth/authorize", "/oauth/nothing", "/api/v1/accounts", "/api/v1/transfers", "/api/nothing",
             "/accounts/login/", "/admin/", "/nothing", "/metrics", "/health/ready", "/%00")  # fmt: skip
    for path in paths:
        for header in headers:
            also = {**header, "X-Request-Id": REQUEST_ID}
            requests.get(f"{server.url}{path}", params=fields, headers=also, timeout=60)
            requests.post(f"{server.url}{path}", params=fields, data=fields, headers=also, timeout=60)
            requests.put(f"{server.url}{path}", json=fields, headers=also, timeout=60)
    server.stop()

    lines = [json.loads(line) for line in server.log.splitlines()]
    assert all({"at", "level", "logger", "message", "request_id"} <= set(line) for line in lines)
    assert sum(line["request_id"] == REQUEST_ID for line in lines) > len(paths)
    assert SECRET not in server.log
    assert BASIC not in server.log


def test_every_answer_says_its_requests_id(server: Server) -> None:
    given = requests.get(f"{server.url}/nothing", headers={"X-Request-Id": REQUEST_ID}, timeout=60)
    assert given.headers["X-Request-Id"] == REQUEST_ID
    made = requests.get(f"{server.url}/nothing", headers={"X-Request-Id": "<no id>"}, timeout=60)
    assert len(made.headers["X-Request-Id"]) == 32
    server.stop()
    assert made.headers["X-Request-Id"] in server.log


def test_a_job_is_logged_without_what_it_is_about() -> None:
    call = "accounts.tell_owner_of_guesses[7](email='alice@example.test', address='192.0.2.1')"
    job = {
        "id": 7,
        "task_name": "accounts.tell_owner_of_guesses",
        "call_string": call,
        "task_kwargs": {"email": "alice@"},
    }
    record = logging.makeLogRecord({"msg": f"Starting job {call}", "job": job, "jobs": [job]})
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(job)s %(jobs)s"))
    for name in settings.LOGGING["handlers"]["stderr"]["filters"]:
        handler.addFilter(DictConfigurator(settings.LOGGING).configure_filter(settings.LOGGING["filters"][name]))
    handler.handle(record)
    assert "Starting job accounts.tell_owner_of_guesses[7]" in stream.getvalue()
    assert "alice" not in stream.getvalue()
    assert "192.0.2.1" not in stream.getvalue()


def test_a_refused_recipient_is_not_named() -> None:
    """ASVS 5.0 16.2.5: no personal data. The mail server repeats the address."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DictConfigurator(settings.LOGGING).configure_formatter(settings.LOGGING["formatters"]["json"]))
    logger = logging.Logger("of.a.test")
    logger.addHandler(handler)
    try:
        raise smtplib.SMTPRecipientsRefused({"a.lice+x@bank.example": (550, b"<a.lice+x@bank.example>: User unknown")})
    except smtplib.SMTPException:
        logger.exception("Job accounts.tell_owner[7] ended with status: Error")
    said = json.loads(stream.getvalue())["exc_info"]
    assert "lice" not in said
    assert "SMTPRecipientsRefused: {'…@…': (550, b'<…@…>: User unknown')}" in said
    assert "test_logs.py" in said
