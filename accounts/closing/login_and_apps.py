"""The authorization server's part in closing a user account."""

from collections.abc import Iterable
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.closing.parts import Obstacle
from accounts.models import User
from oauth.clients.self_service.host import developers
from oauth.models import Client


class LoginAndApps:
    """Deactivating the user already ends sessions, authorizations and tokens (accounts.changes)."""

    def obstacles(self, user_id: UUID) -> Iterable[Obstacle]:
        if User.objects.filter(pk=user_id, is_staff=True).exists():
            yield _("You are a member of staff. Ask another admin to remove your staff status first."), ""
        for client in Client.objects.filter(user=user_id, is_active=True).order_by("name"):
            text = _("The app %(app)s is registered in your name. Contact us to hand it over or to end it.")
            page = reverse("oauth:developer-app", args=[client.pk]) if developers() is not None else ""
            yield text % {"app": client.shown_name}, page

    def leave(self, user_id: UUID, email: str) -> Iterable[Obstacle]:
        return ()

    def keeps_records(self, user_id: UUID) -> bool:
        return False
