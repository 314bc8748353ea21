"""OAUTH["ADMIN_PANELS"]: the ledger and the backlog on the admin's home page."""

from datetime import timedelta

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from banking.models import LedgerAudit, WebhookDelivery
from oauth.admin.panels import Panel, chart, needs

#: Rows are counted up to this number. Finished jobs are not counted.
MOST_COUNTED = 10_000
#: The background worker audits the ledger every hour.
AUDIT_IS_LATE = timedelta(hours=3)
_WAITING = """
SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status = 'failed')
  FROM (SELECT status FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed') LIMIT %s) waiting
"""


@needs("banking.view_ledgertransaction")
def ledger() -> Panel:
    """The result of the last audit. No page runs an audit, because it reads the whole ledger."""
    last = LedgerAudit.objects.order_by("-ended_at").first()
    title, url = gettext("Ledger audit"), reverse("admin:banking_ledgertransaction_changelist")
    permission = "banking.view_ledgertransaction"
    if last is None:
        return Panel(title, permission, summary=gettext("Not run yet. The worker runs it every hour."), url=url)
    when = date_format(timezone.localtime(last.ended_at), "DATETIME_FORMAT")
    facts = [(question, gettext("NO") if rows else gettext("yes")) for question, rows in last.differences.items()]
    alarm = ""
    if not last.is_clean:
        alarm = gettext("The ledger does not add up. Stop payments and run manage.py ledger_audit.")
    elif timezone.now() - last.ended_at > AUDIT_IS_LATE:
        alarm = gettext("The last audit is old. Is the background worker running?")
    return Panel(title, permission, facts=facts, alarm=alarm, summary=gettext("Last run: %s") % when, url=url)


@needs("oauth.view_auditevent")
def backlog() -> Panel:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [MOST_COUNTED])
        todo, doing, failed = cursor.fetchone()
    # The worker gives up after three days, so nothing older waits.
    recent = WebhookDelivery.objects.filter(created_at__gt=timezone.now() - timedelta(days=4))
    pending = recent.filter(status=WebhookDelivery.Status.PENDING).order_by()[:MOST_COUNTED].count()
    bars = chart(
        [
            (gettext("Waiting jobs"), todo),
            (gettext("Running jobs"), doing),
            (gettext("Failed jobs"), failed),
            (gettext("Webhooks to deliver"), pending),
        ],
        cap=MOST_COUNTED,
    )
    return Panel(gettext("Backlog"), "oauth.view_auditevent", bars=bars)
