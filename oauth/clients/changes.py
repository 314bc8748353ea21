"""A change of the identity of a client in use is audited, and an email goes to its owner, its contacts and staff.

This happens in the transaction of the change, whether an admin, the client or a command made it. `authorize.remembered`
makes the consent page ask users again.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from procrastinate.contrib.django import app
from procrastinate.types import JSONValue

from oauth.conf import conf
from oauth.infrastructure import display_names, emails, rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached
from oauth.models import AuditEvent, Authorization, Client, RememberedConsent
from oauth.models.client import identity as client_identity
from oauth.models.client.identity import Identity

TELL = "oauth.tell_of_client_change"
MAILS_OF_A_CLIENT = Limit("client-change-mails", 10, seconds=3600)
# The client chooses its contacts, so their number is limited.
_MOST_CONTACTS = 5
PENDING_HOSTS = "pending_hosts"
_PARTS = {
    "name": gettext_noop("name"),
    "method": gettext_noop("authentication method"),
    "profile": gettext_noop("security profile"),
    "keys": gettext_noop("keys"),
    "keys_uri": gettext_noop("address of its keys"),
    "certificate": gettext_noop("certificate"),
    "secrets": gettext_noop("secret"),
    "redirect_uris": gettext_noop("redirect URIs"),
}


def is_in_use(client: Client) -> bool:
    """Whether the client has live authorizations."""
    return Authorization.objects.live().filter(client=client).exists()


def note(client: Client, before: Identity, after: Identity, contacts: Iterable[str]) -> None:
    """Records the names of changed fields and new hosts, never a key or a secret. `contacts` are those before the
    change.
    """
    if not client.changes_are_told and not is_in_use(client):
        return
    parts, hosts = client_identity.changed_parts(before, after), client_identity.new_hosts(before, after)
    facts = ", ".join(parts) + (f"; new redirect hosts: {', '.join(map(display_names.host, hosts))}" if hosts else "")
    actor = client.changed_by.pk if client.changed_by else ""
    AuditEvent.record(
        AuditEvent.Action.CLIENT_CHANGED, client=client.client_id, actor=actor, reason=f"while in use: {facts}"
    )
    enqueue_notice(client, parts, hosts, contacts=contacts)


def distrust(client: Client, *, entirely: bool) -> None:
    """After a change of the client's identity: users are asked again before the client gets new tokens.

    `entirely` also revokes the client's authorizations, because another party may now control the client.
    """
    RememberedConsent.objects.filter(authorization__client=client).delete()
    if entirely:
        Authorization.objects.filter(client=client).revoke(Authorization.RevocationReason.CLIENT_CHANGED)


def enqueue_notice(
    client: Client, parts: Iterable[str], hosts: Iterable[str] = (), *, contacts: Iterable[str] = ()
) -> None:
    """Notifies current contacts and `contacts`, which are those before the change."""
    try:
        rate_limits.spend(MAILS_OF_A_CLIENT, client.client_id)
    except LimitReached:
        return  # the client has used up its emails of this hour
    to: list[JSONValue] = list(dict.fromkeys([*client.contacts[:_MOST_CONTACTS], *list(contacts)[:_MOST_CONTACTS]]))
    app.configure_task(TELL, queue="mail").defer(
        client_id=client.client_id, parts=list(parts), hosts=[display_names.host(one) for one in hosts], contacts=to
    )


def tell(client_id: str, parts: list[str], hosts: list[str], contacts: list[str]) -> None:
    """Run by the background worker. Sends a separate email to each address, so that no recipient sees another one."""
    client = Client.objects.filter(client_id=client_id).select_related("user").first()
    if client is None:
        return
    told: set[str] = set()
    for address, language in _recipients(client, contacts):
        if address.casefold() in told:
            continue
        told.add(address.casefold())
        with translation.override(language or settings.LANGUAGE_CODE):
            emails.send(_("An app with users was changed"), _text(client, parts, hosts), to=[address])


def _recipients(client: Client, contacts: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Pairs (address, language): the owner, staff who may change clients, and the client's contacts."""
    # A custom user model may have properties instead of the columns `is_active` and `is_staff`.
    anybody: Any = None
    may_change = ModelBackend().with_perm("oauth.change_client", obj=None, is_active=anybody, include_superusers=True)
    staff = [one for one in may_change if one.is_active and one.is_staff]
    owner: Any = getattr(client, "user", None)
    people = [*([owner] if owner is not None and owner.is_active else []), *staff]
    language_of = import_string(conf.USER_LANGUAGE) if conf.USER_LANGUAGE else lambda person: ""
    field = get_user_model().get_email_field_name()
    for person in people:
        if address := getattr(person, field, ""):
            yield address, language_of(person)
    for contact in contacts:
        address = contact.removeprefix("mailto:")
        try:
            validate_email(address)
        except ValidationError:
            continue
        yield address, ""


def _text(client: Client, parts: list[str], hosts: list[str]) -> str:
    app_facts = {"app": client.shown_name, "client_id": client.client_id, "hosts": ", ".join(hosts)}
    if PENDING_HOSTS in parts:
        return (
            _(
                "An admin wants to add redirect hosts to the app %(app)s (client ID %(client_id)s), which has users: "
                "%(hosts)s.\n\nAnother admin must approve this before it takes effect. If you do not know the reason, "
                "reject it."
            )
            % app_facts
        )
    lines = [
        _("The app %(app)s (client ID %(client_id)s), which has users, was changed.") % app_facts,
        _("Changed: %(parts)s.") % {"parts": ", ".join(str(_(_PARTS.get(part, part))) for part in parts)},
    ]
    if hosts:
        lines.append(_("Authorization responses may now also be sent to: %(hosts)s.") % app_facts)
    lines.append(
        _(
            "Users are asked again before this app gets new access. If you did not expect this, check the app "
            "immediately."
        )
    )
    return "\n\n".join(lines)
