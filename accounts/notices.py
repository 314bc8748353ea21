"""What the owner of an account is told by mail: plain text, a link to the security page, never a token.

A notice is a job, written with the change it tells of; the worker renders and sends it, so that a mail server that is
slow or down holds up nobody.
"""

import hashlib
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from procrastinate.contrib.django import app

from accounts import devices
from accounts.models import User, UserManager
from oauth.models import AuditEvent

TELL: Final = "accounts.tell_owner"
TELL_OF_TRIES: Final = "accounts.tell_owner_of_tries"
TRIES_ARE_TOLD_EVERY_SECONDS: Final = 3600

# Kind -> what happened, as the mail and the security page say it. Those of allauth have its names.
SENTENCES: Final[dict[str, str | Promise]] = {
    "new_device": gettext_lazy("A browser that we did not know logged in to your account."),
    "new_app": gettext_lazy("You let an app in that had no access before: %(app)s."),
    "reuse": gettext_lazy("%(app)s lost its access: its key was used twice, as if somebody had copied it."),
    "password_tried": gettext_lazy("Somebody tries passwords for your account. They did not get in."),
    "password_changed": gettext_lazy("Your password was changed."),
    "password_reset": gettext_lazy("Your password was replaced by a link from your mail."),
    "password_set": gettext_lazy("Your account has a password now."),
    "password_replaced": gettext_lazy(
        "Our staff changed the password of your account. All browsers and apps were logged out."
    ),
    "address_replaced": gettext_lazy(
        "Our staff changed the email address of your account. All browsers and apps were logged out."
    ),
    "deactivated": gettext_lazy("Your account was deactivated. All browsers and apps were logged out."),
    "reactivated": gettext_lazy("Your account was reactivated. You can log in again; apps have to ask you again."),
    "email_changed": gettext_lazy("The main e-mail address of your account was changed."),
    "email_confirm": gettext_lazy("An e-mail address of your account was confirmed."),
    "email_deleted": gettext_lazy("An e-mail address was removed from your account."),
    "totp_activated": gettext_lazy("An authenticator app was set up."),
    "totp_deactivated": gettext_lazy("The authenticator app was turned off."),
    "webauthn_added": gettext_lazy("A passkey was added."),
    "webauthn_removed": gettext_lazy("A passkey was removed."),
    "recovery_codes_removed": gettext_lazy("Your recovery codes were removed."),
    "recovery_codes_generated": gettext_lazy("Recovery codes were made."),
    "account_connected": gettext_lazy("Log-in through another site was connected."),
    "account_disconnected": gettext_lazy("Log-in through another site was disconnected."),
}


def sentence(kind: str, **about: str) -> str:
    return str(SENTENCES.get(kind, gettext_lazy("The settings of your account were changed."))) % about


def language_of(user: User) -> str:
    return user.language


def tell_later(
    kind: str, user: User, request: HttpRequest | None = None, *, to: str = "", by: User | None = None, **about: str
) -> None:
    """Tells the main address, or the one in `to`; `about` fills in the sentence.

    `by` is the member of staff who did it, whose address and browser the audit log knows and the mail does not say.
    """
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    browser = devices.describe(request.headers.get("User-Agent", "")) if request else ""
    if kind not in ("new_app", "reuse"):  # of these oauth keeps an event of its own
        AuditEvent.record(
            AuditEvent.Action.LOG_IN_CHANGED, user=user.pk, reason=kind, address=address or None, endpoint="account",
            actor=by.pk if by else "",
        )  # fmt: skip
    if by is not None:
        address = browser = ""
    app.configure_task(TELL, queue="accounts").defer(
        kind=kind, user_id=str(user.pk), to=to, at=timezone.now().isoformat(), address=address, browser=browser,
        language=user.language or translation.get_language() or settings.LANGUAGE_CODE, about={**about},
    )  # fmt: skip


def tell_of_tries_later(email: str, request: HttpRequest) -> None:
    """Once an hour at most. Whether the address has an account the worker looks up: the guesser learns nothing from
    how long the answer took."""
    email = UserManager.normalize_email(email)[:254]
    if cache.add(f"accounts.tries.{hashlib.sha256(email.encode()).hexdigest()}", 1, TRIES_ARE_TOLD_EVERY_SECONDS):
        app.configure_task(TELL_OF_TRIES, queue="accounts").defer(
            email=email, address=request.META.get("REMOTE_ADDR", ""), language=translation.get_language() or ""
        )


def send(
    kind: str, user_id: str, to: str, at: str, address: str, browser: str, language: str, about: dict[str, str]
) -> None:
    user = User.objects.filter(pk=user_id).first()
    if user is None or not (user.is_active or kind == "deactivated"):
        return
    with translation.override(language):
        what = sentence(kind, **about)
        context: dict[str, Any] = {
            "name": user.get_short_name(),
            "what": what,
            "at": date_format(parse_datetime(at) or timezone.now(), "DATETIME_FORMAT"),
            "address": address,
            "browser": browser,
            "security_url": f"{settings.ISSUER}{reverse('account_security')}",
        }
        subject = _("Your account: %(what)s") % {"what": " ".join(what.split())}
        EmailMessage(subject, render_to_string("account/email/notice.txt", context), to=[to or user.email]).send()


def send_of_tries(email: str, address: str, language: str) -> None:
    user = User.objects.filter(email=email, is_active=True).first()
    if user is not None:
        send("password_tried", str(user.pk), "", timezone.now().isoformat(), address, "", user.language or language, {})
        AuditEvent.record(
            AuditEvent.Action.LOG_IN_CHANGED, user=user.pk, reason="password_tried", address=address or None
        )
