"""The activity of apps, for users and staff: the counted reads, and each movement of money."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Max, Q, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from banking.models import AccessCount, Exchange, ScheduledTransfer, Transfer
from banking.notation import amounts
from oauth.infrastructure.moments import moment

#: The time that the pages show. The export of personal data and the admin show everything that is stored.
SHOWN = timedelta(days=90)
MOST_MOVEMENTS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal, with the time of the last occurrence. `url` links to details."""

    at: datetime
    text: str
    url: str = ""


def of_app(user: Any, client_id: str) -> list[Line]:
    """Lines, newest first: for each account, what the app has read; and each movement of money that the app ordered."""
    mine = AccessCount.objects.filter(user=user, client_id=client_id)
    return sorted([*_reads(mine), *_movements(user.pk, client_id)], key=lambda line: line.at, reverse=True)


def of_account(user: Any, account_id: UUID, using: str = DEFAULT_DB_ALIAS) -> dict[str, list[Line]]:
    """client_id -> what the app read of this account for this user, the newest first."""
    counted = AccessCount.objects.using(using).filter(user=user, account=account_id, hour__gte=timezone.now() - SHOWN)
    return {
        client_id: _reads(counted.filter(client_id=client_id), is_of_one=True) for client_id in _clients_of(counted)
    }


def _clients_of(counted: Any) -> list[str]:
    newest = counted.values("client_id").annotate(last=Max("last_at")).order_by("-last")
    return [row["client_id"] for row in newest]


def _reads(counted: Any, *, is_of_one: bool = False) -> list[Line]:
    # Days are those of the reader's time zone, not of the bank's, because reads move no money.
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    sums = (
        counted.filter(hour__gte=timezone.now() - SHOWN)
        .values("account_id", "account__name", "kind")
        .annotate(
            all=Sum("count"),
            today=Sum("count", filter=Q(hour__gte=today), default=0),
            last=Max("last_at"),
        )
    )
    lines: dict[UUID | None, list[dict[str, Any]]] = {}
    for row in sums:
        lines.setdefault(row["account_id"], []).append(row)
    found = [_line(rows, is_of_one=is_of_one) for rows in lines.values()]
    return sorted(found, key=lambda line: line.at, reverse=True)


def _line(rows: list[dict[str, Any]], *, is_of_one: bool) -> Line:
    """A line such as “Everyday: balances, transactions – 14 times today, last at 9:02”. The page of one account leaves
    out its name.
    """
    last = max(row["last"] for row in rows)
    what = ", ".join(sorted({kind_name(row["kind"]) for row in rows}))
    name = rows[0]["account__name"] or _("Without an account")
    today, total = sum(row["today"] for row in rows), sum(row["all"] for row in rows)
    if today:
        often = ngettext("%(count)s time today, at %(time)s", "%(count)s times today, last at %(time)s", today) % {
            "count": today,
            "time": moment(last, "TIME_FORMAT"),
        }
    else:
        often = ngettext(
            "%(count)s time in 90 days, on %(time)s", "%(count)s times in 90 days, last on %(time)s", total
        ) % {
            "count": total,
            "time": moment(last),
        }
    url = reverse("bank:account", args=[rows[0]["account_id"]]) if rows[0]["account_id"] else ""
    text = _("%(what)s – %(often)s") % {"what": what, "often": often}
    if not is_of_one:
        text = _("%(account)s: %(text)s") % {"account": name, "text": text}
    return Line(last, text, url)


def _movements(user_id: UUID, client_id: str) -> Iterable[Line]:
    """Transfers, exchanges and payment orders that the app made, from the tables that hold them."""
    transfers = Transfer.objects.filter(user_id=user_id, client_id=client_id).select_related("source")
    for one in transfers.order_by("-id")[:MOST_MOVEMENTS]:
        text = _("%(day)s: %(amount)s from %(account)s to %(payee)s (%(status)s)") % {
            "day": _day(one.created_at),
            "amount": amounts.with_symbol(one.currency, one.amount_minor),
            "account": one.source.name,
            "payee": one.payee_name or one.reference,
            "status": one.get_status_display(),
        }
        yield Line(one.created_at, text, reverse("bank:receipt", args=[one.pk]))
    exchanges = Exchange.objects.filter(user_id=user_id, client_id=client_id).select_related("quote__source")
    for done in exchanges.order_by("-id")[:MOST_MOVEMENTS]:
        quote = done.quote
        text = _("%(day)s: %(sold)s from %(account)s exchanged for %(bought)s") % {
            "day": _day(done.created_at),
            "sold": amounts.with_symbol(quote.sell_currency, quote.sell_minor),
            "account": quote.source.name,
            "bought": amounts.with_symbol(quote.buy_currency, quote.buy_minor),
        }
        yield Line(done.created_at, text, reverse("bank:exchanged", args=[done.pk]))
    orders = ScheduledTransfer.objects.filter(user_id=user_id, client_id=client_id).select_related("source")
    for order in orders.order_by("-id")[:MOST_MOVEMENTS]:
        text = _("%(day)s: payment order, %(amount)s from %(account)s to %(payee)s") % {
            "day": _day(order.created_at),
            "amount": amounts.with_symbol(order.currency, order.amount_minor),
            "account": order.source.name,
            "payee": order.payee_name or order.reference,
        }
        yield Line(order.created_at, text, reverse("bank:order", args=[order.pk]))


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATE_FORMAT")


def kind_name(kind: str) -> str:
    """The name of the activity for which this scope is needed."""
    return {
        "accounts:read": _("account details"),
        "balances:read": _("balances"),
        "transactions:read": _("transactions"),
        "statements:read": _("statements"),
        "transfers:read": _("transfers and orders"),
        "transfers:write": _("payments and payment checks"),
        "funds:confirm": _("whether an amount is available"),
        "direct-debits:read": _("direct debits"),
        "direct-debits:write": _("direct debits cancelled or refunded"),
        "payees:read": _("payees"),
        "payees:write": _("payees changed"),
        "party:read": _("your name"),
        "webhooks:manage": _("notifications"),
    }.get(kind, kind)
