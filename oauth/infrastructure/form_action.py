"""Sources for the Content-Security-Policy directive form-action."""

from urllib.parse import urlsplit

from django.http import HttpResponse

from oauth.infrastructure.hosts import is_plain_host


def form_action(uri: str) -> tuple[str, ...]:
    """The sources that allow a form to redirect to this URI, because browsers also apply form-action to redirects."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return ("'self'", f"{parts.scheme}:")
    host = parts.hostname or ""
    if not is_plain_host(host):  # must not become part of a header
        return ("'self'",)
    host = f"[{host}]" if ":" in host else host
    return ("'self'", f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else ""))


def allow_forms_to(page: HttpResponse, uri: str) -> None:
    """Allows forms of this page to redirect to this URI. django-csp merges this into the site's policy."""
    page._csp_update = {"form-action": list(form_action(uri))}  # type: ignore[attr-defined]  # django-csp reads it
