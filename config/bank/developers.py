"""OAUTH["DEVELOPERS"]: the bank's developers are its users with a verified email, and their sandbox users have accounts
with play money."""

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from banking.account_life import sandbox
from banking.models import Account
from banking.notation import amounts, iban
from oauth.clients.self_service.host import Developers, Link, NewUser, Owned
from oauth.models import Client

#: RFC 2606 §2: no email can be delivered to this domain, so none is sent (`oauth.infrastructure.mailboxes`).
DOMAIN = "sandbox.invalid"


class BankDevelopers(Developers):
    def why_not(self, user: Any) -> str:
        if not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
            return _("Confirm your email first: we sent you a link when you signed up.")
        return ""

    @property
    def has_sandbox(self) -> bool:
        return True

    def make_user(self, name: str) -> NewUser:
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(f"user-{secrets.token_hex(5)}@{DOMAIN}", password, name=name)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        sandbox.open_sandbox(user)
        return NewUser(user, user.email, password)

    def new_password(self, user: Any) -> str:
        """Ends the user's sessions. The permissions of apps stay."""
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.are_apps_kept = True
        user.save(update_fields=["password"])
        return password

    def login_of(self, user: Any) -> str:
        return str(user.email)

    def owned_by(self, users: Sequence[Any]) -> Mapping[Any, Sequence[Owned]]:
        """Lists each account with its balance and IBAN."""
        owned: dict[Any, list[Owned]] = defaultdict(list)
        for account in Account.objects.filter(holder__in=users):
            balance = amounts.with_code(account.currency, account.posted_minor)
            owned[account.holder_id].append(Owned(account.name, f"{balance} · {iban.grouped(account.iban)}"))
        return owned

    def fill_up(self, user: Any) -> None:
        sandbox.fill_up(user.pk)

    def links(self) -> Sequence[Link]:
        return (
            Link(_("Guides"), reverse("developer-guides"), _("Sandbox, idempotency, step-up, webhooks, going live.")),
            Link(_("API reference"), reverse("api-docs"), _("All operations of the bank API, to read and to try.")),
            Link(
                _("Errors"),
                reverse("developer-guide", args=["errors"]),
                _("The cause and the fix of each problem type."),
            ),
            Link(
                _("Changes of the API"),
                reverse("developer-guide", args=["changes"]),
                _("What was added, and what will be removed."),
            ),
        )

    def links_of_app(self, client: Client) -> Sequence[Link]:
        return (Link(_("Webhooks"), reverse("developer-webhooks", args=[client.pk])),)
