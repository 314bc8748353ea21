"""`{% staff_home %}`: the first part of the admin's home page."""

from typing import Any

from django import template

from config.bank.first_steps import first_steps
from config.bank.recent_failures import recent_failures
from config.bank.staff_tasks import waiting_for

register = template.Library()


@register.inclusion_tag("admin/staff_home.html", takes_context=True)
def staff_home(context: Any) -> dict[str, Any]:
    user = context["request"].user
    may_see_failures = user.has_perm("oauth.view_auditevent")
    return {
        "tasks": list(waiting_for(user)),
        "steps": first_steps(user),
        "may_see_failures": may_see_failures,
        "failures": recent_failures() if may_see_failures else [],
        "may_see_clients": user.has_perm("oauth.view_client"),
    }
