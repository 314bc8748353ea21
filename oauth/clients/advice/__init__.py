"""Advice about settings of a client that are allowed but unsafe or noteworthy, with the section of the specification.

`Client.clean` refuses forbidden settings. A rule is a function (client) -> Advice or None. `advise` calls all rules and
runs no query, so a form can call it at every key press. `imitation` compares the name with others, with queries.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oauth.clients.advice import access, authentication, flows, imitation, redirect_uris
from oauth.clients.advice.rule import RULES, Advice, Level
from oauth.models import Client

#: Rules that hold for every client.
ALWAYS: tuple[tuple[str | Promise, str], ...] = (
    (_("PKCE with S256, unless an admin has exempted this client"), "RFC 9700 §2.1.1, OAuth 2.1 §4.1.1"),
    (_("Redirect URIs compared character by character"), "RFC 9700 §2.1"),
    (_("Authorization responses name this server (iss), against mix-up attacks"), "RFC 9207 §2"),
    (_("Access tokens of at most 15 minutes, for named APIs only"), "RFC 9700 §2.2, RFC 9068 §2.2"),
    (
        _("Refresh tokens are bound to the client or rotated; reuse of a rotated one revokes the authorization"),
        "RFC 9700 §2.2.2",
    ),
    (_("No password grant"), "RFC 9700 §2.4, OAuth 2.1 §10.2"),
    (_("Secrets of 256 random bits, stored as digests, shown once"), "RFC 6749 §10.10"),
)


def advise(client: Client) -> list[Advice]:
    """All advice about this client, the most serious first."""
    order = list(Level)
    found = [advice for rule in RULES if (advice := rule(client))]
    return sorted(found, key=lambda advice: order.index(advice.level))


__all__ = [
    "ALWAYS",
    "RULES",
    "Advice",
    "Level",
    "access",
    "advise",
    "authentication",
    "flows",
    "imitation",
    "redirect_uris",
]
