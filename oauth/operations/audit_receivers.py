"""The receivers of the audit stream. Each either accepts a whole batch or raises, and then the batch is sent again."""

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
_INFO, _WARN = 9, 13  # severity numbers of OpenTelemetry's logs data model


class NotDelivered(Exception):
    """The receiver has not accepted a batch, and may accept it later."""


class Rejected(Exception):
    """The receiver will never accept a batch as it is."""


class Webhook:
    """Each batch is one POST with `after`, `to` and `events`. Any answer but 2xx repeats the batch."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        # The operator chose the URL, so it may be in a private network. Redirects are not followed.
        self.pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=SECONDS_TO_ANSWER), retries=False)

    def send(self, batch: Batch) -> None:
        answer = self._post(batch.as_json())
        if not 200 <= answer.status < 300:
            raise NotDelivered(f"{urlsplit(self.url).netloc} answered {answer.status}")

    def _post(self, body: str) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            return self.pool.request("POST", self.url, body=body.encode(), headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise NotDelivered(f"{urlsplit(self.url).netloc}: {error}") from error


class Collector(Webhook):
    """A collector of OpenTelemetry, or a SIEM that speaks its protocol: each batch is one request of OTLP/HTTP in JSON.

    Each event is a log record. Its body is the event as JSON, `log.record.uid` is the event's id.
    """

    def __init__(self, endpoint: str, token: str) -> None:
        super().__init__(f"{endpoint.rstrip('/')}/v1/logs", token)

    def send(self, batch: Batch) -> None:
        answer = self._post(json.dumps(_logs(batch)))
        host = urlsplit(self.url).netloc
        if answer.status in _RETRYABLE:
            raise NotDelivered(f"{host} answered {answer.status}")
        # OTLP forbids repeating a request after any other refusal, but the audit stream must not skip an event.
        if answer.status != 200:
            raise Rejected(f"{host} answered {answer.status}. Nothing of this batch was accepted.")
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
    # Integers of 64 bits are strings in the JSON of protobuf.
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def _nanoseconds(at: datetime) -> str:
    return str(int(at.timestamp()) * 10**9 + at.microsecond * 1000)


def _rejected(body: bytes) -> int:
    """How many records a successful answer rejects (`partial_success`)."""
    try:
        return int(json.loads(body or b"{}").get("partialSuccess", {}).get("rejectedLogRecords", 0))
    except (ValueError, TypeError, AttributeError):
        return 0
