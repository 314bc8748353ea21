"""The name, logo and color of the site, for pages and emails: from the row that staff edit, or else from
`OAUTH["BRANDING"]`.

A process reads the row when it needs it, at most once a minute.
"""

import logging
from dataclasses import dataclass
from email.utils import formataddr
from typing import Any
from urllib.parse import urlsplit

from django.db import DatabaseError
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.views.decorators.http import require_safe

from oauth.conf import conf
from oauth.infrastructure import outage
from oauth.infrastructure.caches import TTLCache
from oauth.infrastructure.colors import Shades, is_color, shades
from oauth.models import Branding

CACHED_SECONDS = 60
# The time until the next attempt if the database is unreachable.
_RETRY_SECONDS = 5
# The accent color in static/oauth/pages.css.
_COLOR_OF_THE_STYLESHEET = "#1746a2"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Brand:
    """`logo` is the path of a static file. `logo` and `color` may be empty."""

    name: str
    logo: str
    color: str

    @property
    def home_url(self) -> str:
        return get_script_prefix()

    @property
    def logo_url(self) -> str:
        return static(self.logo) if self.logo else ""

    @property
    def light(self) -> Shades:
        """The shades for light backgrounds, used in emails, which have no stylesheet."""
        return shades(self.color or _COLOR_OF_THE_STYLESHEET)[0]

    @property
    def dark(self) -> Shades:
        return shades(self.color or _COLOR_OF_THE_STYLESHEET)[1]

    @property
    def stylesheet_url(self) -> str:
        """Empty if the color is that of the stylesheet."""
        return reverse("oauth:brand", args=[self.color.removeprefix("#").lower()]) if self.color else ""


_brands: TTLCache[str, Brand] = TTLCache(max_entries=1)


def current() -> Brand:
    brand = _brands.get("")
    if brand is None:
        try:
            brand, seconds = _made_of(Branding.objects.first()), CACHED_SECONDS
        except (DatabaseError, *outage.ERRORS) as error:
            logger.warning("The branding cannot be read; using that of the settings: %s", type(error).__name__)
            brand, seconds = _made_of(None), _RETRY_SECONDS
        _brands.put("", brand, seconds)
    return brand


def known() -> Brand:
    """The cached brand, or else that of the settings. For error pages, which must not access the database."""
    return _brands.get("") or _made_of(None)


def sender(address: str) -> str:
    """The From header of emails: the name of the site and this address."""
    return formataddr((" ".join(current().name.split()), address))


def _made_of(row: Branding | None) -> Brand:
    given = conf.BRANDING
    return Brand(
        name=(row and row.name) or given.get("name") or urlsplit(conf.ISSUER).hostname or conf.ISSUER,
        logo=(row and row.logo) or given.get("logo", ""),
        color=(row and row.color) or given.get("color", ""),
    )


@receiver([post_save, post_delete], sender=Branding)
def _forget(**_: Any) -> None:
    """Clears the cache of this process. A change takes effect in other processes within CACHED_SECONDS."""
    _brands.clear()


@require_safe
def stylesheet(request: HttpRequest, color: str) -> HttpResponse:
    """A stylesheet with the shades of a color. It depends only on the URL, so browsers cache it for a year."""
    if not is_color(f"#{color}"):
        return HttpResponse(status=404)
    light, dark = shades(f"#{color}")
    css = f":root {{ {_variables(light)} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_variables(dark)} }} }}\n"
    response = HttpResponse(css, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _variables(one: Shades) -> str:
    return f"--accent: {one.accent}; --accent-ink: {one.ink}; --accent-soft: {one.soft};"
