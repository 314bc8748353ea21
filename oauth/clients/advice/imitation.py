"""Finds clients whose name imitates this site or another client, as a warning for staff.

Not one of the rules, which run no query. Never a refusal: two apps may have the same name for a good reason.
"""

from django.utils.translation import gettext as _

from oauth.conf import conf
from oauth.infrastructure import display_names
from oauth.models import Branding, Client

#: The number of the oldest clients whose names are compared: a site that lets clients register themselves may have
#: millions.
MOST_COMPARED = 5_000
# Shorter names of a site are compared as whole words, because they are part of many other words.
_LONG_NAME = 6


def warnings(client: Client) -> list[str]:
    """Sentences for staff, empty if the name is like no other."""
    found = []
    if not _is_of_this_site(client) and (site := _site_in(client.name)):
        found.append(_("The name contains the name of this site, %(site)s.") % {"site": site})
    if others := _namesakes(client):
        found.append(_("Other clients have this name or one that looks like it: %(ids)s.") % {"ids": ", ".join(others)})
    return found


def _is_of_this_site(client: Client) -> bool:
    """Whether staff registered the client, who know whether it is an app of this site."""
    return client.user_id is None and client.registration_ceiling is None and client.cimd_expires_at is None


def _site_in(name: str) -> str:
    row = Branding.objects.first()
    site = (row and row.name) or conf.BRANDING.get("name", "")
    own = display_names.skeleton(site)
    is_in = own in display_names.skeleton(name) if len(own) >= _LONG_NAME else own in _words(name)
    return site if own and is_in else ""


def _words(name: str) -> list[str]:
    return [display_names.skeleton(word) for word in display_names.plain(name).split()]


def _namesakes(client: Client) -> list[str]:
    """The IDs of at most three other clients. Leaves out clients that registered themselves: each installation of an
    app does so with the same name.
    """
    own = display_names.skeleton(client.name)
    oldest = Client.objects.order_by("pk").values("pk")[:MOST_COMPARED]
    others = Client.objects.filter(pk__in=oldest, registration_ceiling__isnull=True, cimd_expires_at=None)
    names = others.exclude(pk=client.pk).order_by("pk").values_list("client_id", "name")
    same = [client_id for client_id, name in names if own and display_names.skeleton(name) == own]
    return same[:3]
