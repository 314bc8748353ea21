"""What /metrics tells of the bank: how the worker last found the ledger, and what waits for other banks."""

from prometheus_client import Gauge

from banking import payments
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
handed_over_at = Gauge(
    "transfers_handed_over_oldest_timestamp_seconds",
    "When the oldest transfer that another bank has not answered was handed over, in seconds since 1970; 0: none.",
    multiprocess_mode="mostrecent",
)


def measure() -> None:
    """Sets them from the last audit, whichever machine ran it, and from what waits for other banks."""
    oldest = payments.handed_over().values_list("submitted_at", flat=True).first()
    handed_over_at.set(oldest.timestamp() if oldest else 0)
    last = LedgerAudit.objects.order_by("ended_at").last()
    if last is None:
        return
    audited_at.set(last.ended_at.timestamp())
    audit_seconds.set(last.seconds)
    for question, rows in last.differences.items():
        differences.labels(question).set(len(rows))
