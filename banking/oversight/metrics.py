"""Metrics of the bank: the last audit of the ledger, and transfers that wait for other banks."""

from prometheus_client import Gauge

from banking import end_of_day, payments
from banking.models import LedgerAudit

audited_at = Gauge(
    "ledger_audit_timestamp_seconds",
    "Time of the last audit of the ledger, in seconds since 1970; 0 if there was none.",
    multiprocess_mode="mostrecent",
)
audit_seconds = Gauge(
    "ledger_audit_seconds", "Duration of the last audit of the ledger.", multiprocess_mode="mostrecent"
)
differences = Gauge(
    "ledger_audit_differences",
    "Rows that the audit found wrong, by question, counted up to 20. Alert on any value but 0.",
    ["question"],
    multiprocess_mode="mostrecent",
)
handed_over_at = Gauge(
    "transfers_handed_over_oldest_timestamp_seconds",
    "When the oldest transfer without an answer from another bank was handed over, in seconds since 1970; 0 if none.",
    multiprocess_mode="mostrecent",
)

days_behind = Gauge(
    "bank_days_behind",
    "Bank days that have ended and are not closed; 1 in the first hours of a day.",
    multiprocess_mode="mostrecent",
)


def measure() -> None:
    """Sets the gauges from the database, so that every machine reports the same."""
    days_behind.set(end_of_day.behind())
    oldest = payments.handed_over().values_list("submitted_at", flat=True).first()
    handed_over_at.set(oldest.timestamp() if oldest else 0)
    last = LedgerAudit.objects.order_by("ended_at").last()
    # Set even before the first audit: with several processes, a gauge that was never set is not exported.
    audited_at.set(last.ended_at.timestamp() if last else 0)
    audit_seconds.set(last.seconds if last else 0)
    for question, rows in last.differences.items() if last else ():
        differences.labels(question).set(len(rows))
