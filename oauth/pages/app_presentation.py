"""The logo and the links of an app (RFC 7591 §2), on the pages where a user decides about it.

`logo_uri`, `client_uri`, `policy_uri` and `tos_uri` are claims of the app. Only the logo of a client that staff have
checked is shown where the page identifies the app; other logos are shown where the page quotes the app
(docs/decisions/006).
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from oauth.infrastructure import display_names
from oauth.models import Client, ClientLogo

_DIGEST = re.compile(r"[0-9a-f]{64}")
# Long enough for a login. Browsers may show a removed picture for this time.
_CACHED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Link:
    """`host` is shown beside the label, because the label is ours but the linked page is not."""

    label: str
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class Presentation:
    """At most one of `mark_url` (a logo that identifies the app) and `logo_url` (a logo that only the app claims) is
    set.
    """

    mark_url: str
    logo_url: str
    #: The host of the app's website, if staff have checked it; otherwise empty.
    publisher: str
    links: tuple[Link, ...]


def of(client: Client) -> Presentation:
    url = _logo_url(client) if client.logo_uri else ""
    labels = ((_("Website"), client.client_uri), (_("Privacy policy"), client.policy_uri),
              (_("Terms of service"), client.tos_uri))  # fmt: skip
    return Presentation(
        mark_url=url if client.is_vouched_for else "",
        logo_url="" if client.is_vouched_for else url,
        publisher=_web_host(client.client_uri) if client.is_vouched_for else "",
        links=tuple(Link(label, url, host) for label, url in labels if (host := _web_host(url))),
    )


def _logo_url(client: Client) -> str:
    digest = ClientLogo.objects.filter(client=client, source=client.logo_uri).values_list("digest", flat=True).first()
    return reverse("oauth:app-logo", args=[bytes(digest).hex()]) if digest else ""


def _web_host(url: str) -> str:
    """The host of a web page; empty for other URLs, because a link must not start another program."""
    parts = urlsplit(url)
    return display_names.host(parts.hostname or "") if parts.scheme in ("https", "http") else ""


@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    """The picture with this digest, if an active client has it."""
    if not _DIGEST.fullmatch(digest):
        raise Http404
    stored = ClientLogo.objects.filter(digest=bytes.fromhex(digest), client__is_active=True)
    image = stored.values_list("image", flat=True).first()
    if image is None:
        raise Http404
    response = HttpResponse(bytes(image), content_type="image/png")
    response["Cache-Control"] = f"public, max-age={_CACHED_SECONDS}"
    # ASVS 5.0 3.2.1: the picture must run no scripts if it is opened directly, and no other site may embed it.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
