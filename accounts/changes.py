"""What a new address, a new password, a deactivation and a reactivation each mean: what ends, and who is told.

One function for each act. `User.save()` finds out which acts a save contains and calls them in its transaction, so
pages, the admin, commands and the shell cannot go round them. `User.objects.update()` saves row by row for that reason.
Sources: ASVS 5.0 6.3.7 (tell the user), 7.4.2 and 7.4.3 (end sessions), RFC 9700 §4.14 (end refresh tokens).
"""

from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import is_password_usable

from accounts import actor, notices
from accounts.models import TrustedBrowser, User
from oauth.models import Session
from oauth.sessions import login_session

Stored = dict[str, Any]

#: The fields whose change is an act.
WATCHED: Final = frozenset({"email", "password", "is_active"})


# --- for the shell and for other apps


def set_password(user: User, password: str | None, *, are_apps_kept: bool = False) -> None:
    """None takes the password away."""
    user.set_password(password)
    user.are_apps_kept = are_apps_kept
    user.save(update_fields=["password"])


def replace_address(user: User, email: str) -> None:
    user.email = email
    user.save(update_fields=["email"])


def deactivate(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


def reactivate(user: User) -> None:
    user.is_active = True
    user.save(update_fields=["is_active"])


def forget_who_signed_up(user: User) -> None:
    """The owner of a mailbox enters a user account that somebody else may have made with their address.

    A connection to another site that the maker left there would let the maker in later.
    """
    SocialAccount.objects.filter(user=user).delete()


# --- for User.save()


def end_browsers(user: User, stored: Stored) -> bool:
    """Whether the save that is about to happen logs out every browser. A new password does so by itself."""
    return user.is_active != stored["is_active"] or _is_replaced(user, stored)


def follow(user: User, stored: Stored) -> None:
    """Does what follows from the save that has just happened; `stored` is what the row held before."""
    has_new_password = user.password != stored["password"] and not user.is_upgrading_hash
    if has_new_password or end_browsers(user, stored):
        TrustedBrowser.objects.filter(user=user).delete()
    if has_new_password:
        _password_changed(user, stored)
    if user.email != stored["email"]:
        _address_changed(user, stored["email"])
    if user.is_active != stored["is_active"]:
        _reactivated(user) if user.is_active else _deactivated(user)


def _password_changed(user: User, stored: Stored) -> None:
    kept, user.are_apps_kept = user.are_apps_kept, False
    if kept:
        login_session.end_all(user, Session.EndReason.PASSWORD)
    else:
        login_session.end_access(user, Session.EndReason.PASSWORD, by=actor.staff(user))
    request = actor.request()
    if request is None or actor.staff(user) is not None:
        kind = "password_replaced"
    elif request.user != user:
        kind = "password_reset"  # nobody is logged in: the link from the mailbox
        if user.last_login is None:
            forget_who_signed_up(user)
    else:
        kind = "password_changed" if is_password_usable(stored["password"]) else "password_set"
    notices.tell_later(kind, user, request, by=actor.staff(user))


def _address_changed(user: User, old: str) -> None:
    """Between addresses that the user has verified it is the user's choice. Any other one replaces all there were."""
    addresses = EmailAddress.objects.filter(user=user)
    if _is_own_choice(user):
        for email in (old, user.email):
            notices.tell_later("email_changed", user, actor.request(), to=email)
        return
    told = {old, *addresses.filter(verified=True).values_list("email", flat=True), user.email}
    addresses.exclude(email=user.email).delete()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True})
    login_session.end_access(user, Session.EndReason.ADDRESS, by=actor.staff(user))
    for email in sorted(told):
        notices.tell_later("address_replaced", user, actor.request(), to=email, by=actor.staff(user))


def _deactivated(user: User) -> None:
    login_session.end_access(user, Session.EndReason.DEACTIVATED, by=actor.staff(user))
    notices.tell_later("deactivated", user, actor.request(), by=actor.staff(user))


def _reactivated(user: User) -> None:
    """Ends once more what a request that was under way at the deactivation may have written since."""
    login_session.end_access(user, Session.EndReason.DEACTIVATED, by=actor.staff(user))
    notices.tell_later("reactivated", user, actor.request(), by=actor.staff(user))


def _is_replaced(user: User, stored: Stored) -> bool:
    return bool(user.email != stored["email"] and not _is_own_choice(user))


def _is_own_choice(user: User) -> bool:
    """The page of the user's addresses marks a verified one as primary before it writes it here; the admin does not."""
    return EmailAddress.objects.filter(user=user, email=user.email, verified=True, primary=True).exists()
