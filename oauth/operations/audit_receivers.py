"""Receivers of the audit stream. Each accepts an entire batch or raises; a batch is then sent again."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import urllib3
from django.core.serializers.json import DjangoJSONEncoder

from oauth.operations.audit_stream import Batch

SECONDS_TO_ANSWER = 30.0
#: OTLP 1.x, “Retryable Response Codes”.
_RETRYABLE = frozenset({429, 502, 503, 504})
_INFO, _WARN = 9, 13  # severity numbers of OpenTelemetry's log data model


class NotDelivered(Exception):
    """The receiver has not accepted a batch but may accept it later."""


class Rejected(Exception):
    """The receiver will never accept this batch."""


class Webhook:
    """Sends each batch as a POST with `after`, `to` and `events`. A batch is repeated until the status is 2xx."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        # The operator chose the URL, so it may have a private address. Redirects are not followed.
        self.pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=SECONDS_TO_ANSWER), retries=False)

    def send(self, batch: Batch) -> None:
        answer = self._post(batch.as_json())
        if not 200 <= answer.status < 300:
            raise NotDelivered(f"{urlsplit(self.url).netloc} returned status {answer.status}")

    def _post(self, body: str) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            return self.pool.request("POST", self.url, body=body.encode(), headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise NotDelivered(f"{urlsplit(self.url).netloc}: {error}") from error


class Collector(Webhook):
    """An OpenTelemetry collector, or a SIEM that supports its protocol. Sends each batch as an OTLP/HTTP request in
    JSON.

    Each event is a log record, whose body is the event as JSON and whose `log.record.uid` is the event's ID.
    """

    def __init__(self, endpoint: str, token: str) -> None:
        super().__init__(f"{endpoint.rstrip('/')}/v1/logs", token)

    def send(self, batch: Batch) -> None:
        answer = self._post(json.dumps(_logs(batch)))
        host = urlsplit(self.url).netloc
        if answer.status in _RETRYABLE:
            raise NotDelivered(f"{host} returned status {answer.status}")
        # OTLP forbids retrying after any other error, but the audit stream must not skip events.
        if answer.status != 200:
            raise Rejected(f"{host} returned status {answer.status}. No event of this batch was accepted.")
        if rejected := _rejected(answer.data):
            raise Rejected(f"{host} rejected {rejected} of {len(batch.events)} events.")


def _logs(batch: Batch) -> dict[str, Any]:
    scope = {
        "name": "countersign.audit",
        "attributes": [
            _attribute("countersign.audit.after", batch.after),
            _attribute("countersign.audit.to", batch.to),
        ],
    }
    service = {"attributes": [_attribute("service.name", "countersign")]}
    records = [_record(event) for event in batch.events]
    return {"resourceLogs": [{"resource": service, "scopeLogs": [{"scope": scope, "logRecords": records}]}]}


def _record(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "timeUnixNano": _nanoseconds(event["at"]),
        "observedTimeUnixNano": _nanoseconds(event["at"]),
        "severityNumber": _WARN if event["error"] else _INFO,
        "eventName": f"countersign.audit.{event['action']}",
        "body": {"stringValue": json.dumps(event, cls=DjangoJSONEncoder)},
        "attributes": list(_attributes(event)),
    }


def _attributes(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield _attribute("log.record.uid", str(event["id"]))
    for name in ("action", "client", "user", "actor", "endpoint", "error", "error_id"):
        if event[name]:
            yield _attribute(f"countersign.audit.{name}", str(event[name]))


def _attribute(key: str, value: str | int) -> dict[str, Any]:
    # In protobuf's JSON, 64-bit integers are strings.
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def _nanoseconds(at: datetime) -> str:
    return str(int(at.timestamp()) * 10**9 + at.microsecond * 1000)


def _rejected(body: bytes) -> int:
    """The number of records that a successful response rejects (`partial_success`)."""
    try:
        return int(json.loads(body or b"{}").get("partialSuccess", {}).get("rejectedLogRecords", 0))
    except (ValueError, TypeError, AttributeError):
        return 0
