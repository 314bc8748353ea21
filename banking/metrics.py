"""What /metrics tells of the ledger: the worker audits it, the row that it leaves is read here by whoever is asked."""

from prometheus_client import Gauge

from banking.models import LedgerAudit

audited_at = Gauge(
    "ledger_audit_timestamp_seconds",
    "When the ledger was last audited, in seconds since 1970; 0: never.",
    multiprocess_mode="mostrecent",
)
audit_seconds = Gauge("ledger_audit_seconds", "How long that took.", multiprocess_mode="mostrecent")
differences = Gauge(
    "ledger_audit_differences",
    "Rows that the audit found wrong, by question, counted to 20; anything but 0 is an alarm.",
    ["question"],
    multiprocess_mode="mostrecent",
)


def measure() -> None:
    """Sets them from the last audit, whichever machine ran it."""
    last = LedgerAudit.objects.order_by("ended_at").last()
    if last is None:
        return
    audited_at.set(last.ended_at.timestamp())
    audit_seconds.set(last.seconds)
    for question, rows in last.differences.items():
        differences.labels(question).set(len(rows))
