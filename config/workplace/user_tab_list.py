"""`{% user_tab_list original %}`: the tabs on the admin's own page of a user."""

from typing import Any

from django import template

from config.workplace.user_tabs import visible

register = template.Library()


@register.inclusion_tag("admin/oauth/tab_list.html", takes_context=True)
def user_tab_list(context: Any, user: Any) -> dict[str, Any]:
    return {"tabs": visible(user, context["request"].user, ""), "tabs_of": "About this user"}
