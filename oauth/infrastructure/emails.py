"""Emails with the site's branding: an HTML part and a plain-text part with the same content.

HTML templates extend `oauth/email/base.html`. They load no remote content, which mail programs block and which would
reveal when and where the email is read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from oauth.infrastructure import mailboxes


def send(
    subject: str,
    text: str,
    *,
    to: Sequence[str],
    html_template: str = "oauth/email/message.html",
    context: Mapping[str, Any] | None = None,
) -> None:
    """Sends an email in the active language and time zone. Skips addresses that are not reachable. `text` is the
    plain-text part; the default HTML template shows its paragraphs and, if the context has `page_url`, a button with
    `page_label`.
    """
    reached = [address for address in to if mailboxes.is_reachable(address)]
    if not reached:
        return
    message = EmailMultiAlternatives(subject, text, to=reached)
    shown = {"subject": subject, "paragraphs": text.strip().split("\n\n"), **(context or {})}
    message.attach_alternative(render_to_string(html_template, shown), "text/html")
    message.send()
