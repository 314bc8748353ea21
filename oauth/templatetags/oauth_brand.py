"""`{% load oauth_brand %}{% brand as brand %}` gives the site's own pages `brand.name`, `brand.logo_url` and
`brand.stylesheet_url`. The includes oauth/head.html and oauth/brand.html use them."""

from django import template

from oauth.pages import brand as of_pages
from oauth.pages.brand import Brand

register = template.Library()


@register.simple_tag
def brand() -> Brand:
    return of_pages.current()


@register.simple_tag
def known_brand() -> Brand:
    """The brand for error pages, without a database query."""
    return of_pages.known()
