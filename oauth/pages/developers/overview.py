"""The public start page of the portal. Shows developers their apps."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from oauth.clients import EXPLANATIONS
from oauth.clients.self_service import reviews
from oauth.clients.self_service.host import developers
from oauth.clients.self_service.ownership import MOST_APPS, own_apps, why_not_a_developer
from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import Kind


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    host = developers()
    if host is None:
        raise Http404
    why_not = why_not_a_developer(request.user) if request.user.is_authenticated else ""
    apps = []
    if request.user.is_authenticated and not why_not:
        apps = [(app, state_of(app)) for app in own_apps(request.user)]
    context = {
        "has_sandbox": host.has_sandbox,
        "links": host.links(),
        "apps": apps,
        "why_not": why_not,
        "may_add": len(apps) < MOST_APPS,
        "kinds": [(one, _(one.label), _(EXPLANATIONS[one])) for one in Kind],
        "issuer": conf.ISSUER,
    }
    page = render(request, "oauth/developers/overview.html", context)
    page["Cache-Control"] = "no-store"
    return page


def state_of(client: Client) -> tuple[str, str]:
    """The kind and the text of the badge."""
    waits = reviews.open_review(client) is not None
    if not client.is_active:
        return "bad", _("Disabled")
    if client.is_live:
        return ("good", _("Live, changes in review")) if waits else ("good", _("Live"))
    return ("warn", _("In review")) if waits else ("", _("Sandbox only"))
