"""Redirects to clients."""

from django.http import HttpResponse


def see_other(location: str) -> HttpResponse:
    """A 303 without HttpResponseRedirect, which refuses the scheme of com.example.app:/callback (RFC 8252 §7.1)."""
    return HttpResponse(status=303, headers={"Location": location})
