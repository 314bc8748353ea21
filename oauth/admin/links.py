"""Shows names with links instead of the IDs that the audit log stores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from oauth.models import AuditEvent, Client


@dataclass(frozen=True, slots=True)
class Links:
    """Maps stored IDs to names and URLs. An ID whose object does not exist, or that this member of staff may not view,
    is shown as it is.
    """

    clients: Mapping[str, tuple[str, str]]
    users: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, request: HttpRequest, events: Iterable[AuditEvent]) -> "Links":
        """For the clients and users of these events, with two queries."""
        events = list(events)
        users = {one for event in events for one in (event.user, event.actor)}
        return cls.of_ids(request, {event.client for event in events}, users)

    @classmethod
    def of_ids(cls, request: HttpRequest, client_ids: set[str], user_ids: set[str]) -> "Links":
        """Ignores empty IDs."""
        model: Any = get_user_model()
        may_see_users = request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        client_ids, user_ids = client_ids - {""}, user_ids - {""}
        clients = Client.objects.filter(client_id__in=client_ids) if request.user.has_perm("oauth.view_client") else ()
        return cls(
            {one.client_id: (one.name or one.client_id, _page(one)) for one in clients},
            _users(user_ids) if may_see_users else {},
        )

    def client(self, client_id: str) -> str:
        return _linked(client_id, self.clients)

    def user(self, user_id: str) -> str:
        return _linked(user_id, self.users)


def _users(ids: set[str]) -> dict[str, tuple[str, str]]:
    model: Any = get_user_model()
    found = model._default_manager.filter(pk__in=[one for one in ids if _is_key(one)])
    return {str(user.pk): (user.get_username(), _page(user)) for user in found}


def _is_key(text: str) -> bool:
    """Whether the text can be a primary key. Some events have a text that a stranger sent as a user."""
    try:
        get_user_model()._meta.pk.to_python(text)
    except ValidationError:
        return False
    return True


def linked(request: HttpRequest, one: Any, text: str = "") -> str:
    """`text` or the name of the object, as a link if this member of staff may view its page."""
    opts = one._meta
    url = _page(one) if request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}") else ""
    return format_html('<a href="{}">{}</a>', url, text or str(one)) if url else text or str(one)


def list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _page(one: Any) -> str:
    try:
        return reverse(f"admin:{one._meta.app_label}_{one._meta.model_name}_change", args=[quote(one.pk)])
    except NoReverseMatch:  # the site's admin does not register this model
        return ""


def _linked(stored: str, known: Mapping[str, tuple[str, str]]) -> str:
    if stored not in known:
        return stored or "-"
    name, url = known[stored]
    return format_html('<a href="{}" title="{}">{}</a>', url, stored, name) if url else name
