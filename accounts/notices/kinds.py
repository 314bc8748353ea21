"""The sentence of each kind of notice, for the email and the security page. allauth's notices keep allauth's names."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

SENTENCES: Final[dict[str, str | Promise]] = {
    "new_device": gettext_lazy("A new browser logged in to your account."),
    "new_app": gettext_lazy("You allowed an app that had no access before: %(app)s."),
    "reuse": gettext_lazy(
        "We removed the access of %(app)s: one of its tokens was used twice and may have been stolen."
    ),
    "password_tried": gettext_lazy("Someone is trying passwords for your account. They did not get in."),
    "password_changed": gettext_lazy("Your password was changed."),
    "password_reset": gettext_lazy("Your password was replaced through a link in an email."),
    "password_set": gettext_lazy("Your account has a password now."),
    "secured": gettext_lazy(
        "Somebody chose “This wasn't me” in your account. All browsers and apps were logged out, and your password no "
        "longer works. Another email has a link to choose a new one."
    ),
    "password_replaced": gettext_lazy(
        "Our staff changed the password of your account. All browsers and apps were logged out."
    ),
    "address_replaced": gettext_lazy(
        "Our staff changed the email address of your account. All browsers and apps were logged out."
    ),
    "new_email_asked": gettext_lazy(
        "Our staff were asked to change the email address of your account. If you do not know of it, contact us."
    ),
    "closed": gettext_lazy(
        "Your user account was closed. Nobody can log in to it any more, and apps have lost their access."
    ),
    "deactivated": gettext_lazy("Your account was deactivated. All browsers and apps were logged out."),
    "reactivated": gettext_lazy("Your account was reactivated. You can log in again, but apps must ask you again."),
    "name_changed": gettext_lazy("Your name was changed."),
    "email_changed": gettext_lazy("The main email of your account was changed."),
    "email_confirm": gettext_lazy("An email of your account was confirmed."),
    "email_deleted": gettext_lazy("An email was removed from your account."),
    "totp_activated": gettext_lazy("An authenticator app was set up."),
    "totp_deactivated": gettext_lazy("The authenticator app was turned off."),
    "webauthn_added": gettext_lazy("A passkey was added."),
    "webauthn_removed": gettext_lazy("A passkey was removed."),
    "recovery_codes_removed": gettext_lazy("Your recovery codes were removed."),
    "recovery_codes_generated": gettext_lazy("Recovery codes were created."),
    "account_connected": gettext_lazy("Login through another site was connected."),
    "account_disconnected": gettext_lazy("Login through another site was disconnected."),
}


def sentence(kind: str, **about: str) -> str:
    return str(SENTENCES.get(kind, gettext_lazy("The settings of your account were changed."))) % about
