"""The sandbox users of a developer: creates them, sets new passwords, and shows their data."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from oauth.clients.self_service import sandbox, sent_twice
from oauth.clients.self_service.host import Developers, NewUser, Owned, developers
from oauth.infrastructure import display_names, rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached
from oauth.models import SandboxUser
from oauth.pages.developers.developer_page import DeveloperPage, proof_needed

#: Limits actions that compute a password hash or move play money.
ACTS = Limit("sandbox-acts", 20, seconds=3600)


@dataclass(frozen=True, slots=True)
class Shown:
    pk: Any
    name: str
    login: str
    owned: tuple[Owned, ...]


class SandboxUsers(DeveloperPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(_host())

    def post(self, request: HttpRequest) -> HttpResponse:
        host, act = _host(), request.POST.get("act", "")
        if needed := proof_needed(request, reverse("oauth:developer-sandbox")):
            return needed
        owner: Any = request.user
        box = None if act == "make" else self._own(request.POST.get("user", ""))
        try:
            rate_limits.spend(ACTS, str(owner.pk))
        except LimitReached:
            messages.error(request, _("You have done this too often in the last hour. Try again later."))
            return HttpResponseRedirect(reverse("oauth:developer-sandbox"), status=303)
        if box is None:
            return self._make(host, owner)
        if act == "password":
            return self._page(host, made=NewUser(box.user, host.login_of(box.user), host.new_password(box.user)))
        if act == "fill":
            host.fill_up(box.user)
            messages.success(request, _("Play money was added."))
        return HttpResponseRedirect(reverse("oauth:developer-sandbox"), status=303)

    def _make(self, host: Developers, owner: Any) -> HttpResponse:
        name = " ".join(self.request.POST.get("name", "").split())[:60]
        if not name or not display_names.is_printable(name):
            messages.error(self.request, _("Give the sandbox user a name of printable letters."))
            return HttpResponseRedirect(reverse("oauth:developer-sandbox"), status=303)
        try:
            return self._page(host, made=sandbox.make_user(owner, name, sent_twice.key_of(owner, self.request.POST)))
        except sandbox.TooMany:
            messages.error(self.request, _("You have reached the maximum number of sandbox users."))
            return HttpResponseRedirect(reverse("oauth:developer-sandbox"), status=303)

    def _own(self, user_pk: str) -> SandboxUser:
        """Raises Http404 if the user is not this developer's sandbox user."""
        for box in sandbox.users_of(self.request.user):
            if str(box.pk) == user_pk:
                return box
        raise Http404

    def _page(self, host: Developers, *, made: NewUser | None = None) -> HttpResponse:
        boxes = list(sandbox.users_of(self.request.user))
        owned = host.owned_by([box.user for box in boxes])
        users = [
            Shown(box.pk, box.user.get_full_name() or host.login_of(box.user), host.login_of(box.user),
                  tuple(owned.get(box.pk, ())))
            for box in boxes
        ]  # fmt: skip
        may_add, value = len(boxes) < sandbox.MOST_USERS, sent_twice.new_value()
        return self.show("sandbox", users=users, made=made, may_add=may_add, form_value=value)


def _host() -> Developers:
    host = developers()
    if host is None or not host.has_sandbox:
        raise Http404
    return host
