"""A page that names the host of a redirect and asks the user whether to continue (RFC 9700 §4.11.2)."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oauth.infrastructure import display_names
from oauth.infrastructure.form_action import allow_forms_to
from oauth.models import Client


def ask_first(
    request: HttpRequest, client: Client, location: str, *, form: Mapping[str, str] | None = None
) -> HttpResponse:
    """`form` has the fields to post to `location`; None for a redirect."""
    parts = urlsplit(location)
    context = {
        "client": client,
        "host": display_names.host(parts.hostname) if parts.hostname else f"{parts.scheme}:",
        "location": location,
        "form": form,
    }
    page = render(request, "oauth/leaving.html", context)
    allow_forms_to(page, location)
    return page
