"""Notices about backchannel requests to the user and to the client (CIBA §10.2), sent by the background worker."""

import json
import logging

from django.conf import settings
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from oauth.authorize import backchannel_request
from oauth.conf import conf
from oauth.infrastructure import display_names, emails, outbound, turns
from oauth.models import BackchannelRequest, Client

logger = logging.getLogger(__name__)

NOTIFY_USER, NOTIFY_CLIENT = "oauth.tell_person_of_request", "oauth.tell_client_of_decision"


class NotDelivered(Exception):
    """The client did not accept the notification; the worker tries again."""


def enqueue_user_notice(asked: BackchannelRequest) -> None:
    """Call this in the transaction that stores the request."""
    app.configure_task(NOTIFY_USER, queue="mail").defer(request_id=str(asked.pk))


def notify_user(request_id: str) -> None:
    """Emails the user a link to the page for the decision. Opening the link decides nothing."""
    asked = backchannel_request.undecided().select_related("client", "user").filter(pk=request_id).first()
    if asked is None or asked.user is None or not asked.user.is_active:
        return
    address = getattr(asked.user, asked.user.get_email_field_name(), "")
    if not address:
        return
    language = import_string(conf.USER_LANGUAGE)(asked.user) if conf.USER_LANGUAGE else ""
    with translation.override(language or settings.LANGUAGE_CODE):
        facts = {
            "app": _name_in_mail(asked.client),
            "message": asked.binding_message or "-",
            "page": conf.url("/oauth/requests"),
        }
        emails.send(
            # The subject must not contain text that a client chose.
            _("An app asks for your approval"),
            _(
                "%(app)s asks for your approval.\n\nIts message: %(message)s\n\nIf you expect this, log in and decide "
                "at %(page)s.\nIf you do not, do nothing: nothing is shared."
            )
            % facts,
            to=[address],
            context={"page_url": facts["page"], "page_label": _("Decide")},
        )


def _name_in_mail(client: Client) -> str:
    """Marks the name of a client that staff have not checked, and omits a name that contains a link."""
    if client.is_vouched_for:
        return client.shown_name
    if display_names.holds_link(client.shown_name):
        return _("An app whose name we have not checked")
    return _("An app that calls itself “%(app)s” (we have not checked this name)") % {"app": client.shown_name}


def enqueue_client_notice(asked: BackchannelRequest) -> None:
    """CIBA §10.2: notifies a client in ping mode. Call this in the transaction of the decision."""
    if asked.auth_req_id:
        app.configure_task(NOTIFY_CLIENT, queue="notifications").defer(request_id=str(asked.pk))


def notify_client(request_id: str) -> None:
    """Attempts one delivery. Raises NotDelivered if it fails, and turns.Postponed if there was no attempt. After a
    response, deletes the auth_req_id and the client's token.
    """
    asked = BackchannelRequest.objects.select_related("client").filter(pk=request_id).exclude(auth_req_id="").first()
    if asked is None or not asked.client.is_active or not asked.client.backchannel_client_notification_endpoint:
        return
    try:
        with turns.turn(f"notification {asked.client.client_id}"):
            answer = outbound.request(
                "POST",
                asked.client.backchannel_client_notification_endpoint,
                body=json.dumps({"auth_req_id": asked.auth_req_id}),
                content_type="application/json",
                bearer=asked.client_notification_token,
                needs_body=False,
            )
    except outbound.OutboundError as error:
        raise NotDelivered(str(error)) from error
    if answer.status >= 500 or answer.status < 200:
        raise NotDelivered(f"the client returned status {answer.status}")
    if answer.status >= 300:
        # §10.2: redirects must not be followed. A retry of a refused token would also fail; the client can poll
        # instead.
        logger.warning("A CIBA notification was refused: %s", answer.status, extra={"client": asked.client.client_id})
    BackchannelRequest.objects.filter(pk=asked.pk).update(auth_req_id="", client_notification_token="")
