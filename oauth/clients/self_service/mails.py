"""Emails the developer the decision of staff about an app."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from oauth.conf import conf
from oauth.infrastructure import emails
from oauth.models import ClientReview

TELL = "oauth.tell_of_review"


def enqueue(review: ClientReview) -> None:
    app.configure_task(TELL, queue="mail").defer(review_pk=review.pk)


def tell(review_pk: int) -> None:
    """Run by the background worker. Sends nothing if the developer was deleted or deactivated."""
    review = ClientReview.objects.select_related("client__user").filter(pk=review_pk).first()
    owner: Any = review.client.user if review else None
    if review is None or owner is None or not owner.is_active:
        return
    address = getattr(owner, get_user_model().get_email_field_name(), "")
    if not address:
        return
    language = import_string(conf.USER_LANGUAGE)(owner) if conf.USER_LANGUAGE else ""
    with translation.override(language or settings.LANGUAGE_CODE):
        is_approved = review.state == ClientReview.State.APPROVED
        subject = _("Your app was approved") if is_approved else _("Your app was not approved")
        emails.send(subject, _text(review, is_approved), to=[address])


def _text(review: ClientReview, is_approved: bool) -> str:
    facts = {"app": review.client.shown_name, "reason": review.reason}
    if is_approved:
        lines = [_("We approved your request for %(app)s. It is live now: all users can allow it.") % facts]
    else:
        lines = [
            _("We did not approve your request for %(app)s.") % facts,
            _("Reason: %(reason)s") % facts,
            _("Change the app and send it to us again."),
        ]
    return "\n\n".join([*lines, conf.url(f"/developers/apps/{review.client_id}")])
