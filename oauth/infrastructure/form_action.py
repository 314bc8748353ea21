"""Sources for the Content-Security-Policy directive form-action."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse

from oauth.infrastructure.hosts import is_plain_host

# Django 6.0 or newer: the attribute of a response that its ContentSecurityPolicyMiddleware uses instead of the setting.
POLICIES_OF_DJANGO = {"_csp_config": "SECURE_CSP", "_csp_ro_config": "SECURE_CSP_REPORT_ONLY"}


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
    """Allows forms of this page to redirect to this URI."""
    allow_sources(page, form_action(uri))


def allow_sources(page: HttpResponse, sources: Sequence[str]) -> None:
    """Allows forms of this page to redirect to these sources, whichever middleware writes the site's policy."""
    page._csp_update = {"form-action": list(sources)}  # type: ignore[attr-defined]  # django-csp merges it
    for attribute, setting in POLICIES_OF_DJANGO.items():
        # Without form-action, a policy restricts no form: the directive does not fall back to default-src.
        if (policy := getattr(settings, setting, None)) and (allowed := policy.get("form-action")):
            allowed = [allowed] if isinstance(allowed, str) else allowed
            # A policy cannot combine 'none' with other sources.
            merged = dict.fromkeys(source for source in (*allowed, *sources) if source != "'none'")
            setattr(page, attribute, {**policy, "form-action": list(merged)})
