"""The page that names the host that the browser would go to; the user continues or not (RFC 9700 §4.11.2)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oauth.infrastructure import display_names
from oauth.infrastructure.form_action import form_action
from oauth.models import Client


def ask_first(
    request: HttpRequest, client: Client, location: str, *, form: Mapping[str, str] | None = None
) -> HttpResponse:
    """`form` holds the fields to post to `location`; None for a redirect."""
    parts = urlsplit(location)
    context = {
        "client": client,
        "host": display_names.host(parts.hostname) if parts.hostname else f"{parts.scheme}:",
        "location": location,
        "form": form,
    }
    page = render(request, "oauth/leaving.html", context)
    # django-csp merges this into the site's policy.
    page._csp_update = {"form-action": list(form_action(location))}  # type: ignore[attr-defined]
    return page
