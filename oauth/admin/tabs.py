"""Tabs of the admin pages about a user or a client. Each tab is a page with one table, whose rows can have actions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html

from oauth.admin.links import Links
from oauth.models import AuditEvent

#: A tab shows at most this many of the newest rows, with a link to the complete list.
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Act:
    """A button that posts `value` as the field `name`, or, if `url` is set, a link to a confirmation page."""

    label: str
    name: str = ""
    value: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`cells` are text or safe HTML."""

    cells: Sequence[str]
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Row]
    empty: str
    #: An action on all rows.
    act: Act | None = None
    #: A link to the complete list: (label, URL).
    more: tuple[str, str] | None = None

    @property
    def has_acts(self) -> bool:
        return any(row.act for row in self.rows)


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    is_current: bool = False


def when(moment: datetime | None) -> str:
    """The time with seconds and time zone; "-" for None."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}" if moment else "-"


EVENTS_OF_USER = ("Time", "Event", "Client", "Reason", "IP address", "Error ID")
EVENTS_OF_CLIENT = ("Time", "Event", "User", "Reason", "IP address", "Error ID")


def events(found: Iterable[AuditEvent], *, links: Links, of_user: bool) -> list[Row]:
    """Rows of the audit log, for the page of a user or of a client."""
    return [_event(event, links, of_user) for event in found]


def _event(event: AuditEvent, links: Links, of_user: bool) -> Row:
    about = links.client(event.client) if of_user else links.user(event.user)
    error_id = format_html("<code>{}</code>", event.error_id) if event.error_id else "-"
    what = " ".join(filter(None, (event.get_action_display(), event.error)))
    return Row((when(event.at), what, about, event.reason or "-", event.address or "-", error_id))
