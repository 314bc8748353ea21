"""A new email, a new password, a deactivation and a reactivation each end sessions and access, and send notices.

`User.save()` compares the old and new values and calls these functions in its transaction, so pages, the admin,
commands and the shell cannot bypass them. For the same reason, `User.objects.update()` saves row by row. Sources: ASVS
5.0 6.3.7 (notify the user), 7.4.2 and 7.4.3 (end sessions), RFC 9700 §4.14 (end refresh tokens).
"""

from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import is_password_usable
from django.dispatch import Signal

from accounts import notices
from accounts.changes import actor
from accounts.models import TrustedBrowser, User
from oauth.models import SandboxUser, Session
from oauth.sessions import login_session

Stored = dict[str, Any]

#: The fields whose change has effects.
WATCHED: Final = frozenset({"email", "password", "is_active"})


#: Sent with `user`, in the transaction, when all that the user allowed must end, because somebody else may have acted
#: for them: the user is deactivated or reactivated, secures the account, resets the password, or gets a password or
#: email from staff. Receivers end what other apps store.
all_access_ended = Signal()


# --- for the shell and for other apps


def set_password(user: User, password: str | None, *, are_apps_kept: bool = False) -> None:
    """A `password` of None removes the user's password."""
    user.set_password(password)
    user.are_apps_kept = are_apps_kept
    user.save(update_fields=["password"])


def replace_address(user: User, email: str) -> None:
    user.email = email
    user.save(update_fields=["email"])


def deactivate(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])
    SandboxUser.objects.filter(user=user).update(is_deactivated_with_owner=False)


def reactivate(user: User) -> None:
    """Raises ValueError for a user who must stay inactive."""
    if reason := why_inactive(user):
        raise ValueError(reason)
    user.is_active = True
    user.save(update_fields=["is_active"])


def why_inactive(user: User) -> str:
    """The reason why this user must stay inactive; empty if there is none."""
    if user.closed_at is not None:
        return "The user has closed this account permanently. They can sign up again."
    box = SandboxUser.objects.filter(user=user).select_related("owner").first()
    owner: Any = box.owner if box else None
    # ASVS 5.0 7.4.2: the developer knows the password of a sandbox user.
    if owner is not None and not owner.is_active:
        return "The developer of this sandbox user is not active. Activate the developer first."
    return ""


def remove_connections(user: User) -> None:
    """Call this at the first login by the owner of a mailbox. Somebody else may have signed up with their email, and
    could log in later through a connection that stayed.
    """
    SocialAccount.objects.filter(user=user).delete()


# --- for User.save()


def end_browsers(user: User, stored: Stored) -> bool:
    """Whether this save must log out every browser. A new password logs them out in any case."""
    return user.is_active != stored["is_active"] or _is_replaced(user, stored)


def follow(user: User, stored: Stored) -> None:
    """Applies the effects of a save. `stored` has the values from before the save."""
    if user.closed_at is not None:  # accounts.closing sends the notice
        _take_sandbox_users_along(user)
        login_session.end_access(user, Session.EndReason.DEACTIVATED, by=actor.staff(user))
        return
    has_new_password = user.password != stored["password"] and not user.is_upgrading_hash
    if has_new_password or end_browsers(user, stored):
        TrustedBrowser.objects.filter(user=user).delete()
    if has_new_password:
        _password_changed(user, stored)
    if user.email != stored["email"]:
        _address_changed(user, stored["email"])
    if user.is_active != stored["is_active"]:
        SandboxUser.objects.filter(user=user).update(is_deactivated_with_owner=False)
        _reactivated(user) if user.is_active else _deactivated(user)
        _take_sandbox_users_along(user)


def _password_changed(user: User, stored: Stored) -> None:
    kept, user.are_apps_kept = user.are_apps_kept, False
    if kept:
        login_session.end_all(user, Session.EndReason.PASSWORD)
    else:
        login_session.end_access(user, Session.EndReason.PASSWORD, by=actor.staff(user))
    request = actor.request()
    if user.is_being_secured:
        kind = "secured"
    elif request is None or actor.staff(user) is not None:
        kind = "password_replaced"
    elif request.user != user:
        kind = "password_reset"  # nobody is logged in, so the user has used a link from an email
        if user.last_login is None:
            remove_connections(user)
    else:
        kind = "password_changed" if is_password_usable(stored["password"]) else "password_set"
    if kind in ("secured", "password_replaced", "password_reset"):
        all_access_ended.send(User, user=user)
    notices.enqueue_notice(kind, user, request, by=actor.staff(user))


def _address_changed(user: User, old: str) -> None:
    """Users may choose another of their verified emails. Any other new email replaces all emails of the user."""
    addresses = EmailAddress.objects.filter(user=user)
    if _is_own_choice(user):
        for email in (old, user.email):
            notices.enqueue_notice("email_changed", user, actor.request(), to=email)
        return
    told = {old, *addresses.filter(verified=True).values_list("email", flat=True), user.email}
    addresses.exclude(email=user.email).delete()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True})
    login_session.end_access(user, Session.EndReason.ADDRESS, by=actor.staff(user))
    all_access_ended.send(User, user=user)
    for email in sorted(told):
        notices.enqueue_notice("address_replaced", user, actor.request(), to=email, by=actor.staff(user))


def _deactivated(user: User) -> None:
    all_access_ended.send(User, user=user)
    login_session.end_access(user, Session.EndReason.DEACTIVATED, by=actor.staff(user))
    notices.enqueue_notice("deactivated", user, actor.request(), by=actor.staff(user))


def _reactivated(user: User) -> None:
    """Ends access again, because a request that ran during the deactivation may have created some."""
    all_access_ended.send(User, user=user)
    login_session.end_access(user, Session.EndReason.DEACTIVATED, by=actor.staff(user))
    notices.enqueue_notice("reactivated", user, actor.request(), by=actor.staff(user))


def _take_sandbox_users_along(developer: User) -> None:
    """ASVS 5.0 7.4.2: a developer knows the passwords of their sandbox users, so these are active only while the
    developer is. Users whom staff deactivated separately stay inactive.
    """
    boxes = SandboxUser.objects.filter(owner=developer).select_related("user")
    if developer.is_active:
        for box in boxes.filter(user__is_active=False, is_deactivated_with_owner=True):
            reactivate(box.user)
        return
    for box in boxes.filter(user__is_active=True):
        deactivate(box.user)
        box.is_deactivated_with_owner = True
        box.save(update_fields=["is_deactivated_with_owner"])


def _is_replaced(user: User, stored: Stored) -> bool:
    return bool(user.email != stored["email"] and not _is_own_choice(user))


def _is_own_choice(user: User) -> bool:
    """The page of emails marks a verified email as primary before it changes the user; the admin does not."""
    return EmailAddress.objects.filter(user=user, email=user.email, verified=True, primary=True).exists()
