"""The content of each tab of a user's page, for this member of staff. Tabs that they may not see are left out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from accounts.browsers import user_agents
from accounts.models import User
from accounts.staff import rank
from banking.models import AccountAccess
from banking.notation import amounts
from oauth.admin.links import Links, linked, list_of
from oauth.admin.tabs import EVENTS_OF_USER, MOST_SHOWN, Act, Row, Tab, Table, events, when
from oauth.models import AuditEvent, Authorization

END_SESSIONS = "usersessions.delete_usersession"
REVOKE = "oauth.change_authorization"


def may_act(request: HttpRequest, user: User, permission: str) -> bool:
    return request.user.has_perm(permission) and rank.may_touch(request.user, user)


def sessions(request: HttpRequest, user: User) -> Table:
    found = list(UserSession.objects.filter(user=user).order_by("-last_seen_at")[:MOST_SHOWN])
    may_end = may_act(request, user, END_SESSIONS)
    rows = [
        Row(
            (user_agents.describe(one.user_agent), one.ip, when(one.created_at), when(one.last_seen_at)),
            Act("Log out", "session", str(one.pk)) if may_end else None,
        )
        for one in found
    ]
    everything = Act("Log out every browser", "session", "all") if may_end else None
    return Table(("Browser", "IP address", "Since", "Last seen"), rows, "No browser is logged in.", everything)


def factors(request: HttpRequest, user: User) -> Table:
    may_remove = may_act(request, user, "mfa.delete_authenticator")
    rows = [
        Row(
            (one.get_type_display(), when(one.created_at), when(one.last_used_at)),
            Act("Remove", url=reverse("admin:mfa_authenticator_delete", args=[one.pk])) if may_remove else None,
        )
        for one in Authenticator.objects.filter(user=user).order_by("created_at")
    ]
    return Table(("Second factor", "Since", "Last used"), rows, "The user has no second factor.")


def apps(request: HttpRequest, user: User) -> Table:
    found = list(Authorization.objects.filter(user=user).select_related("client").order_by("-id")[:MOST_SHOWN])
    may_revoke = may_act(request, user, REVOKE)
    rows = [
        Row(
            (
                linked(request, one.client, one.client.name),
                linked(request, one, " ".join(one.scopes) or "no scope"),
                when(one.created_at),
                when(one.last_used_at),
                f"until {when(one.expires_at)}" if one.is_live else one.get_revocation_reason_display() or "Expired",
            ),
            Act("Revoke", "authorization", str(one.pk)) if may_revoke and one.is_live else None,
        )
        for one in found
    ]
    more = ("All of this user", f"{list_of(Authorization)}?{urlencode({'q': user.email})}")
    return Table(("Client", "Scopes", "Allowed", "Last used", "State"), rows, "The user allowed no client.", more=more)


def accounts(request: HttpRequest, user: User) -> Table:
    found = AccountAccess.objects.filter(user=user).select_related("account").order_by("account__name")
    rows = [
        Row(
            (
                linked(request, one.account, one.account.name),
                one.account.iban or "-",
                one.get_role_display(),
                one.account.get_status_display(),
                amounts.with_code(one.account.currency, one.account.posted_minor),
            )
        )
        for one in found[:MOST_SHOWN]
    ]
    return Table(("Account", "IBAN", "Role", "Status", "Balance"), rows, "The user has no account.")


def log(request: HttpRequest, user: User) -> Table:
    found = list(AuditEvent.objects.filter(user=str(user.pk)).order_by("-id")[:MOST_SHOWN])
    rows = events(found, links=Links.of(request, found), of_user=True)
    more = ("The audit log of this user", f"{list_of(AuditEvent)}?q={user.pk}")
    return Table(EVENTS_OF_USER, rows, "The audit log has nothing about this user.", more=more)


def roles(request: HttpRequest, user: User) -> Table:
    groups = [
        Row((linked(request, group), "Role", ", ".join(sorted(p.name for p in group.permissions.all()))))
        for group in user.groups.prefetch_related("permissions").order_by("name")
    ]
    own = [
        Row((one.name, "Permission of their own", f"{one.content_type.app_label}.{one.codename}"))
        for one in Permission.objects.filter(Q(user=user)).select_related("content_type").order_by("name")
    ]
    everything = [Row(("Superuser", "Everything", "-"))] if user.is_superuser else []
    empty = "The user is staff without a role." if user.is_staff else "The user is a customer, not staff."
    return Table(("Name", "Kind", "What it permits"), [*everything, *groups, *own], empty)


@dataclass(frozen=True, slots=True)
class _Tab:
    name: str
    label: str
    permission: str
    table: Callable[[HttpRequest, User], Table]


TABS = {
    tab.name: tab
    for tab in (
        _Tab("sessions", "Sessions", "accounts.view_user", sessions),
        _Tab("factors", "Second factors", "mfa.view_authenticator", factors),
        _Tab("apps", "Apps and consents", "oauth.view_authorization", apps),
        _Tab("accounts", "Accounts", "banking.view_account", accounts),
        _Tab("events", "Events", "oauth.view_auditevent", log),
        _Tab("roles", "Roles", "accounts.view_user", roles),
    )
}


def visible(user: User, to: Any, current: str) -> Iterator[Tab]:
    yield Tab("User", reverse("admin:accounts_user_change", args=[user.pk]), current == "")
    for tab in TABS.values():
        if to.has_perm(tab.permission):
            yield Tab(tab.label, reverse("user-tab", args=[user.pk, tab.name]), tab.name == current)
