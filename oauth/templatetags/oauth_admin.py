"""`{% oauth_overview %}`: the panels of the admin's home page, for a site's own templates/admin/index.html."""

from typing import Any

from django import template

from oauth.admin import panels

register = template.Library()


@register.inclusion_tag("admin/oauth/overview.html", takes_context=True)
def oauth_overview(context: Any) -> dict[str, Any]:
    user = context["request"].user
    return {"panels": panels.visible_to(user), "may_search": user.has_perm("oauth.view_auditevent")}
