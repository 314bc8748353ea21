"""Emails in the brand of the site: an HTML part, and a plain-text part with the same content.

A template of the HTML part extends `oauth/email/base.html`. No part loads remote content: mail readers block remote
images, and a request for one would reveal where the email was read.
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
    """Sends an email in the active language and time zone, to those addresses that mail can reach. `text` is the
    plain-text part; the default HTML template shows its paragraphs, and the `page_url` of the context as a button with
    `page_label`."""
    reached = [address for address in to if mailboxes.is_reachable(address)]
    if not reached:
        return
    message = EmailMultiAlternatives(subject, text, to=reached)
    shown = {"subject": subject, "paragraphs": text.strip().split("\n\n"), **(context or {})}
    message.attach_alternative(render_to_string(html_template, shown), "text/html")
    message.send()
