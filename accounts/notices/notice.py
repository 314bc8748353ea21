"""Notices: emails to a user, with a link to the security page but never a token.

The transaction of the change enqueues a job. The background worker renders and sends the email, so a slow mail server
delays no request.
"""

import hashlib
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from accounts import time_zones
from accounts.browsers import user_agents
from accounts.models import User, UserManager
from accounts.notices.kinds import sentence
from oauth.infrastructure import emails
from oauth.infrastructure.moments import moment
from oauth.models import AuditEvent

TELL: Final = "accounts.tell_owner"
TELL_OF_GUESSES: Final = "accounts.tell_owner_of_tries"
SECONDS_BETWEEN_NOTICES_OF_GUESSES: Final = 3600


def language_of(user: User) -> str:
    return user.language


def time_zone_of(user: User) -> str:
    return user.time_zone


def enqueue_notice(
    kind: str, user: User, request: HttpRequest | None = None, *, to: str = "", by: User | None = None, **about: str
) -> None:
    """Enqueues a notice to the user's main address, or to `to`.

    `about` has the placeholders of the sentence. `by` is the member of staff who made the change; their IP address is
    recorded in the audit log and not sent.
    """
    address = request.META.get("REMOTE_ADDR", "") if request else ""
    browser = user_agents.describe(request.headers.get("User-Agent", "")) if request else ""
    if kind not in ("new_app", "reuse"):  # oauth records audit events for these
        AuditEvent.record(
            AuditEvent.Action.LOG_IN_CHANGED, user=user.pk, reason=kind, address=address or None, endpoint="account",
            actor=by.pk if by else "",
        )  # fmt: skip
    if by is not None:
        address = browser = ""
    app.configure_task(TELL, queue="mail").defer(
        kind=kind, user_id=str(user.pk), to=to, at=timezone.now().isoformat(), address=address, browser=browser,
        language=user.language or translation.get_language() or settings.LANGUAGE_CODE, about={**about},
    )  # fmt: skip


def enqueue_notice_of_guesses(email: str, request: HttpRequest) -> None:
    """At most one per email in SECONDS_BETWEEN_NOTICES_OF_GUESSES. The worker looks up the account, so that the
    response time does not reveal whether there is one.
    """
    email = UserManager.normalize_email(email)[:254]
    if cache.add(f"accounts.tries.{hashlib.sha256(email.encode()).hexdigest()}", 1, SECONDS_BETWEEN_NOTICES_OF_GUESSES):
        app.configure_task(TELL_OF_GUESSES, queue="mail").defer(
            email=email, address=request.META.get("REMOTE_ADDR", ""), language=translation.get_language() or ""
        )


def send_notice(
    kind: str, user_id: str, to: str, at: str, address: str, browser: str, language: str, about: dict[str, str]
) -> None:
    user = User.objects.filter(pk=user_id).first()
    if user is None or not (user.is_active or kind in ("deactivated", "closed")):
        return
    with translation.override(language), timezone.override(time_zones.zone_of(user.time_zone)):
        what = sentence(kind, **about)
        context: dict[str, Any] = {
            "name": about.get("greeting") or user.get_short_name(),
            "what": what,
            "at": moment(parse_datetime(at) or timezone.now()),
            "address": address,
            "browser": browser,
            "security_url": f"{settings.ORIGIN}{reverse('account_security')}",
        }
        subject = _("Your account: %(what)s") % {"what": " ".join(what.split())}
        text = render_to_string("account/email/notice.txt", context)
        emails.send(subject, text, to=[to or user.email], html_template="account/email/notice.html", context=context)


def send_notice_of_guesses(email: str, address: str, language: str) -> None:
    user = User.objects.filter(email=email, is_active=True).first()
    if user is not None:
        send_notice(
            "password_tried", str(user.pk), "", timezone.now().isoformat(), address, "", user.language or language, {}
        )
        AuditEvent.record(
            AuditEvent.Action.LOG_IN_CHANGED, user=user.pk, reason="password_tried", address=address or None
        )
