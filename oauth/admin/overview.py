"""The authorization server's panels on the admin's home page."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from oauth.admin.panels import Panel, chart, needs
from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.keys import rotation
from oauth.models import AuditEvent, SigningKey
from oauth.models.audit_event import first_id_at
from oauth.models.client import Kind, SecurityProfile
from oauth.operations import workers

DAYS = 14
#: Counting rows stops at this number.
MOST_COUNTED = 100_000

# Counts ranges of the index (action, id), without reading rows, up to the limit.
_EVENTS_A_DAY = """
SELECT d.number, (SELECT count(*) FROM (
         SELECT 1 FROM oauth_auditevent e WHERE e.action = %s AND e.id >= d.first AND e.id < d.next LIMIT %s) counted)
  FROM unnest(%s::int[], %s::uuid[], %s::uuid[]) AS d (number, first, next)
"""
_REFUSALS = """
SELECT error, count(*) FROM (
  SELECT error FROM oauth_auditevent WHERE action = 'refused' AND id >= %s ORDER BY id DESC LIMIT %s) latest
 GROUP BY error ORDER BY 2 DESC, 1 LIMIT 10
"""
_CLIENTS = """
SELECT kind, security_profile, is_active, count(*) FROM (
  SELECT kind, security_profile, is_active FROM oauth_client LIMIT %s) counted GROUP BY 1, 2, 3
"""


@needs("oauth.view_auditevent")
def tokens() -> Panel:
    columns = _a_day(AuditEvent.Action.ISSUED)
    return Panel(
        gettext("Tokens issued to apps for users"),
        "oauth.view_auditevent",
        columns=columns,
        summary=gettext("Per day, for two weeks. Tokens of services are counted in /metrics."),
        url=_log(action=AuditEvent.Action.ISSUED),
    )


@needs("oauth.view_auditevent")
def logins() -> Panel:
    return Panel(
        gettext("Logins"),
        "oauth.view_auditevent",
        columns=_a_day(AuditEvent.Action.LOGGED_IN),
        summary=gettext("Per day, for two weeks."),
        url=_log(action=AuditEvent.Action.LOGGED_IN),
    )


@needs("oauth.view_auditevent")
def refusals() -> Panel:
    rows = _ask(_REFUSALS, [first_id_at(timezone.now() - timedelta(days=DAYS)), MOST_COUNTED])
    return Panel(
        gettext("Refusals by reason"),
        "oauth.view_auditevent",
        bars=chart(rows, cap=MOST_COUNTED),
        summary=gettext("In two weeks.") if rows else gettext("None in two weeks."),
        url=_log(action=AuditEvent.Action.REFUSED),
    )


@needs("oauth.view_client")
def clients() -> Panel:
    rows = _ask(_CLIENTS, [MOST_COUNTED])

    def number(position: int, value: Any) -> int:
        return sum(row[3] for row in rows if row[position] == value)

    return Panel(
        gettext("Clients"),
        "oauth.view_client",
        bars=chart([(str(kind.label), number(0, kind.value)) for kind in Kind], cap=MOST_COUNTED),
        facts=[
            *((str(one.label), str(n)) for one in SecurityProfile if (n := number(1, one.value))),
            (gettext("Disabled"), str(number(2, False))),
        ],
        url=reverse("admin:oauth_client_changelist"),
    )


@needs("oauth.view_signingkey")
def signing_keys() -> Panel:
    now = timezone.now()
    facts, unready = [], []
    for algorithm in SIGNING_ALGORITHMS:
        active = SigningKey.objects.active().filter(algorithm=algorithm).first()
        if active is None:
            unready.append(algorithm)
            continue
        due = rotation.next_rotation(algorithm)
        since = gettext("%(kid)s… since %(since)s") % {
            "kid": active.kid[:8], "since": date_format(active.active_at, "SHORT_DATE_FORMAT"),
        }  # fmt: skip
        following = gettext("next %s") % date_format(due, "SHORT_DATE_FORMAT") if due else ""
        facts.append((algorithm, "; ".join(filter(None, (since, following)))))
        if due and due < now - timedelta(days=1):
            unready.append(algorithm)
    alarm = (
        gettext("No key, or an overdue rotation: %s. Is the background worker running?") % ", ".join(unready)
        if unready
        else ""
    )
    summary = gettext("%s signs access tokens.") % conf.SIGNING_ALGORITHM
    url = reverse("admin:oauth_signingkey_changelist")
    return Panel(gettext("Signing keys"), "oauth.view_signingkey", facts=facts, summary=summary, alarm=alarm, url=url)


@needs("oauth.view_auditevent")
def worker() -> Panel:
    """Warns like oauth.W003, for operators who do not run `check --database`."""
    last = workers.last_seen_at()
    alarm = ""
    if last is None:
        alarm = gettext(
            "The background worker is not running, so clients are not notified of logouts. Start manage.py worker."
        )
    summary = gettext("Last seen: %s") % date_format(timezone.localtime(last), "TIME_FORMAT") if last else ""
    return Panel(gettext("Background worker"), "oauth.view_auditevent", summary=summary, alarm=alarm)


def _a_day(action: str) -> Any:
    """Counts events with this action on each of the last DAYS days, today last. Caches all but the last two counts."""
    today = timezone.localdate()
    dates = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    keys = {day: f"oauth.admin.a_day.{action}.{day}" for day in dates}
    known = cache.get_many(keys.values())
    unknown = [day for day in dates if keys[day] not in known]

    def first_id(day: date) -> UUID:
        return first_id_at(timezone.make_aware(datetime.combine(day, time())))

    ends = [first_id(day + timedelta(days=1)) for day in unknown]
    rows = _ask(_EVENTS_A_DAY, [action, MOST_COUNTED, list(range(len(unknown))), list(map(first_id, unknown)), ends])
    counted = {keys[unknown[number]]: value for number, value in rows}
    final = {keys[day] for day in dates if day < today - timedelta(days=1)}
    cache.set_many({key: value for key, value in counted.items() if key in final}, timeout=DAYS * 86_400)
    numbers = known | counted
    return chart([(date_format(day, "SHORT_DATE_FORMAT"), numbers[key]) for day, key in keys.items()], cap=MOST_COUNTED)


def _ask(sql: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[Any] = cursor.fetchall()
    return rows


def _log(**query: str) -> str:
    return reverse("admin:oauth_auditevent_changelist", query=query)
