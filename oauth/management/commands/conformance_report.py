"""`manage.py conformance_report`: measures this site and its clients against OAuth 2.1, RFC 9700, FAPI 2.0 and ASVS
5.0.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from oauth.conformance_report import Report, Standard, report_on_site, reports_on
from oauth.conformance_report.text import as_json, as_text
from oauth.models import Client

#: The exit code of `--fail-on-unmet`; 1 is an error of the command itself.
UNMET = 3


class Command(BaseCommand):
    help = (
        "Measures the running configuration. Each rule is met, not met (with the setting or client field to "
        "change), or not applicable. Changes nothing."
    )
    requires_system_checks = ()  # the report shows the results of the system checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "client",
            nargs="?",
            help="The ID of a client, to report only on it instead of on the site and all active clients. Write `--` "
            "before an ID that begins with `-`.",
        )
        parser.add_argument(
            "--standard", nargs="+", choices=Standard.values, default=[], help="Reports only on these. FAPI standards "
            "named here are also measured for clients with other profiles.",
        )  # fmt: skip
        parser.add_argument("--site-only", action="store_true", help="Reports only on the site, not on clients.")
        parser.add_argument("--unmet", action="store_true", help="Shows only rules that are not met.")
        parser.add_argument("--json", action="store_true", help="Prints one JSON document.")
        parser.add_argument(
            "--fail-on-unmet",
            choices=("required", "recommended"),
            nargs="?",
            const="required",
            help=f"Exits with {UNMET} if a requirement is not met; with `recommended`, also for a recommendation.",
        )

    def handle(self, *, client: str | None, fail_on_unmet: str | None, **options: Any) -> None:
        reports = _reports(client, [Standard(one) for one in options["standard"]], options["site_only"])
        is_unmet = False
        for report in self._printed(reports, is_json=options["json"], only_unmet=options["unmet"]):
            is_unmet |= bool(report.unmet(recommendations=fail_on_unmet == "recommended"))
        if fail_on_unmet and is_unmet:
            sys.exit(UNMET)

    def _printed(self, reports: Iterator[Report], *, is_json: bool, only_unmet: bool) -> Iterator[Report]:
        """Prints and yields the reports one by one, so that they need not fit into memory together."""
        if is_json:
            self.stdout.write('{"reports": [')
        for number, report in enumerate(reports):
            if is_json:
                comma = ",\n" if number else ""
                self.stdout.write(comma + json.dumps(as_json(report), ensure_ascii=False), ending="")
            else:
                self.stdout.write("\n".join(as_text(report, only_unmet=only_unmet)) + "\n")
            yield report
        if is_json:
            self.stdout.write("]}")


def _reports(client_id: str | None, standards: Sequence[Standard], site_only: bool) -> Iterator[Report]:
    if client_id is not None:
        client = Client.by_client_id(client_id)
        if client is None:
            raise CommandError(f"There is no client with the ID {client_id}.")
        yield from reports_on([client], standards)
        return
    yield report_on_site(standards)
    if not site_only:
        yield from reports_on(Client.objects.filter(is_active=True).order_by("pk").iterator(chunk_size=500), standards)
