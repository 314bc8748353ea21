"""The time zone of a user: chosen in the profile, or else reported by the browser."""

from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

#: The first part of the IANA names that the select offers. All other names are aliases and offsets.
_CONTINENTS: dict[str, object] = {
    "Africa": _("Africa"),
    "America": _("America"),
    "Antarctica": _("Antarctica"),
    "Arctic": _("Arctic"),
    "Asia": _("Asia"),
    "Atlantic": _("Atlantic"),
    "Australia": _("Australia"),
    "Europe": _("Europe"),
    "Indian": _("Indian Ocean"),
    "Pacific": _("Pacific"),
}


@cache
def names() -> frozenset[str]:
    """IANA names, such as Europe/Berlin."""
    return frozenset(available_timezones())


def zone_of(name: str) -> tzinfo:
    """Returns the bank's time zone if the name is empty or unknown."""
    return ZoneInfo(name) if name in names() else timezone.get_default_timezone()


def choices(chosen: str = "") -> list[tuple[object, list[tuple[str, str]]]]:
    """The choices of a select, grouped by continent. Includes `chosen` even if it is an alias, such as US/Eastern."""
    groups: dict[str, list[tuple[str, str]]] = {continent: [] for continent in _CONTINENTS}
    for name in sorted(names()):
        continent, _slash, place = name.partition("/")
        if place and continent in groups:
            groups[continent].append((name, place.replace("_", " ")))
    listed = {name for places in groups.values() for name, _place in places}
    others = sorted({"UTC", chosen} - listed - {""})
    return [
        *((_CONTINENTS[name], places) for name, places in groups.items()),
        (_("Others"), [(name, name) for name in others]),
    ]
