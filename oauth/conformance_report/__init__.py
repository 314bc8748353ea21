"""Measures this deployment's live configuration against OAuth 2.1, RFC 9700, FAPI 2.0 and ASVS 5.0 V9 and V10.

    site = report_on_site()            # -> Report: settings, signing keys, system checks, and what the code enforces
    one = report_on_client(client)     # -> Report: the fields of one client

A rule is a function in `rules/` that reads settings or a client and returns met, not applicable, or unmet with the
setting or field to change. Rules that the code enforces for every configuration come from `enforced.json`, which
`python -m tests.mutants.document` generates from the same rows as docs/security.md.
"""

from oauth.conformance_report.line import Line, Standard, Verdict
from oauth.conformance_report.report import Report, report_on_client, report_on_site, reports_on

__all__ = ["Line", "Report", "Standard", "Verdict", "report_on_client", "report_on_site", "reports_on"]
