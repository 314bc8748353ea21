"""`manage.py audit_stream`: sends the audit log to a SIEM, each event at least once."""

import signal
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.utils import timezone

from oauth.infrastructure import outage
from oauth.infrastructure.stop_flag import StopFlag
from oauth.operations.audit_receivers import Collector, NotDelivered, Rejected, Webhook
from oauth.operations.audit_stream import Batch, Cursor, deliver_new, start

PAUSE_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Sends the audit log, and then each new event, until SIGTERM: to a webhook, to an OpenTelemetry collector, "
        "or as JSON lines to standard output. Each event is sent at least once. If the receiver or the database "
        "is unreachable, the command waits."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--cursor",
            type=Path,
            required=True,
            metavar="FILE",
            help="The file in which the command stores its position.",
        )
        parser.add_argument(
            "--since", type=_time, help="The time from which a new cursor begins (ISO 8601), by default now."
        )
        receiver = parser.add_mutually_exclusive_group()
        receiver.add_argument("--webhook", type=_url, metavar="URL", help="A URL to which each batch is posted.")
        receiver.add_argument(
            "--otlp",
            type=_url,
            metavar="URL",
            help="A collector that gets each event as a log record by OTLP/HTTP at URL/v1/logs.",
        )
        parser.add_argument(
            "--token-file", type=Path, metavar="FILE", help="A file whose first line is the receiver's bearer token."
        )
        parser.add_argument("--once", action="store_true", help="Send the existing events, then exit.")

    def handle(
        self, *, cursor: Path, since: datetime | None, webhook: str | None, otlp: str | None, token_file: Path | None,
        once: bool, **options: Any,
    ) -> None:  # fmt: skip
        if webhook is not None:
            send = Webhook(webhook, _token(token_file)).send
        else:
            send = self._print if otlp is None else Collector(otlp, _token(token_file)).send
        if not cursor.parent.is_dir() or cursor.is_dir():
            raise CommandError(f"--cursor {cursor} must be a file in a directory that exists.")
        stop = StopFlag()
        for one in (signal.SIGTERM, signal.SIGINT) if not once else ():
            signal.signal(one, lambda *_: stop.set())
        at = _read(cursor) or start(since)
        while True:
            try:
                at = deliver_new(at, send)
                _keep(cursor, at)
            except (NotDelivered, *outage.ERRORS) as error:
                if once:
                    raise CommandError(str(error)) from error
                self.stderr.write(f"Nothing was delivered: {error}")
                connection.close()
            except Rejected as error:
                raise CommandError(f"{error} The cursor stays before these events.") from error
            if once or stop.wait(PAUSE_SECONDS):
                return

    def _print(self, batch: Batch) -> None:
        encoder = DjangoJSONEncoder()
        for event in batch.events:
            self.stdout.write(encoder.encode(event))
        self.stdout.flush()


def _read(file: Path) -> Cursor | None:
    if not file.exists():
        return None
    try:
        return Cursor.read(file.read_text())
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(
            f"{file} must contain a cursor of this command. Remove the file to begin again (--since)."
        ) from error


def _keep(file: Path, cursor: Cursor) -> None:
    """Writes the file atomically."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(f"{cursor}\n")
    draft.replace(file)


def _token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        token = file.read_text().partition("\n")[0].strip()
    except OSError as error:
        raise CommandError(f"--token-file: {error}") from error
    if not token:
        raise CommandError(f"--token-file {file} has no token on its first line.")
    return token


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} must be a time such as 2026-11-28T00:00:00+00:00.") from error
    return at if at.tzinfo else timezone.make_aware(at)


def _url(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname:
        raise ArgumentTypeError(f"{text} must be a URL such as https://siem.example/events.")
    return text
