"""Locking down a user or a client: one action of staff that ends all access, in one transaction.

Sessions, tokens and codes end permanently; the user must log in and allow each app again. `lift_user` and `lift_client`
undo what can be undone: they make the user and the client active again and unfreeze the accounts.
"""

from django.db import transaction

from accounts import changes
from accounts.models import User
from banking.oversight import Officer, lockdown
from oauth.models import AuditEvent, Client


@transaction.atomic
def lock_user(user: User, *, by: Officer, reason: str) -> lockdown.Stopped:
    stopped = lockdown.stop_money_of_user(user.pk, by=by, reason=reason)
    for client in Client.objects.select_for_update(of=("self",)).filter(user=user, is_active=True).order_by("pk"):
        lock_client(client, by=by, reason=reason)
    if user.is_active:
        changes.deactivate(user)  # ends sessions, trusted browsers, authorizations and their tokens
    return stopped


@transaction.atomic
def lift_user(user: User, *, by: Officer, reason: str) -> int:
    """The user's apps stay disabled: staff lift the lockdown of each app separately. Raises a Refusal if the officer
    froze one of the accounts, or has access to one.
    """
    freed = lockdown.free_money_of_user(user.pk, by=by, reason=reason)
    if not user.is_active:
        changes.reactivate(user)
    return freed


@transaction.atomic
def lock_client(client: Client, *, by: Officer, reason: str) -> lockdown.Stopped:
    """Within seconds, all requests of the client are refused, and its tokens stop working."""
    stopped = lockdown.stop_orders_of_app(client.client_id, by=by, reason=reason)
    _set_active(client, by=by, reason=f"locked down: {reason}", is_active=False)
    return stopped


@transaction.atomic
def lift_client(client: Client, *, by: Officer, reason: str) -> None:
    _set_active(client, by=by, reason=f"lockdown lifted: {reason}", is_active=True)


def _set_active(client: Client, *, by: Officer, reason: str, is_active: bool) -> None:
    client.is_active, client.changed_by = is_active, by.user
    client.save(update_fields=["is_active"])
    AuditEvent.record(
        AuditEvent.Action.CLIENT_CHANGED, client=client.client_id, actor=by.user.pk, reason=reason, address=by.address
    )
