"""Tabs of a page about one user or client: each is a separate page with one table, and actions beside its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html

from oauth.admin.links import Links
from oauth.models import AuditEvent

#: A tab shows at most this many rows, the newest. A link leads to the list that has them all.
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Act:
    """A button that posts `value` under the name of the action; with `url`, a link to a page that asks for
    confirmation.
    """

    label: str
    name: str = ""
    value: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Cells are text, or safe HTML."""

    cells: Sequence[str]
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Row]
    empty: str
    #: An action on all rows.
    act: Act | None = None
    #: A link to the page with more of them: (label, URL).
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
    """The time with seconds and the zone; "-" for None."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}" if moment else "-"


EVENTS_OF_USER = ("Time", "Event", "Client", "Reason", "IP address", "Error ID")
EVENTS_OF_CLIENT = ("Time", "Event", "User", "Reason", "IP address", "Error ID")


def events(found: Iterable[AuditEvent], *, links: Links, of_user: bool) -> list[Row]:
    """Rows of the audit log, for a page about a user or about a client."""
    return [_event(event, links, of_user) for event in found]


def _event(event: AuditEvent, links: Links, of_user: bool) -> Row:
    about = links.client(event.client) if of_user else links.user(event.user)
    error_id = format_html("<code>{}</code>", event.error_id) if event.error_id else "-"
    what = " ".join(filter(None, (event.get_action_display(), event.error)))
    return Row((when(event.at), what, about, event.reason or "-", event.address or "-", error_id))
