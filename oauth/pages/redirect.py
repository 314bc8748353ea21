"""Redirects to clients."""

from django.http import HttpResponse


def see_other(location: str) -> HttpResponse:
    """A 303. HttpResponseRedirect refuses private-use schemes such as com.example.app:/callback (RFC 8252 §7.1)."""
    return HttpResponse(status=303, headers={"Location": location})
