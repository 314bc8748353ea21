"""`{% portal_navigation %}`: the navigation of the developer portal; empty on a site without a portal."""

from typing import Any

from django import template

from oauth.clients.self_service.host import developers

register = template.Library()


@register.inclusion_tag("oauth/developers/navigation.html", takes_context=True)
def portal_navigation(context: Any) -> dict[str, Any]:
    host = developers()
    request = context.get("request")
    return {
        "has_portal": host is not None,
        "has_sandbox": host is not None and host.has_sandbox,
        "links": host.links() if host else (),
        "here": request.path if request else "",
    }
