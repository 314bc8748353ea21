"""Events about an app's access, when it will end soon or has ended."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from banking.models import Event, Webhook, WebhookDelivery
from banking.webhooks.queue import enqueue
from oauth.resource_server import authorization_of, is_client_disabled

#: Must be shorter than the time for which deliveries are kept; otherwise the reminder would be sent twice.
CONFIRM_DUE_BEFORE = timedelta(days=14)


def watch_consents() -> None:
    """For each webhook, sends one `consent.confirm_due` when the access ends within CONFIRM_DUE_BEFORE, and one
    `consent.revoked` when it has ended. After that, it gets no more events. The webhooks of a disabled client wait: its
    access continues once staff enable it.
    """
    for webhook in Webhook.objects.filter(ended_at=None).iterator():
        if authorization_of(webhook) is None:
            if not is_client_disabled(webhook):
                end(webhook)
        elif Event.CONSENT_CONFIRM_DUE in webhook.events:
            _remind(webhook)


@transaction.atomic
def end(webhook: Webhook) -> None:
    """Ends the webhook and sends `consent.revoked`, once."""
    if Webhook.objects.filter(pk=webhook.pk, ended_at=None).update(ended_at=timezone.now()):
        enqueue(WebhookDelivery.objects.create(webhook=webhook, event=Event.CONSENT_REVOKED).pk)


@transaction.atomic
def _remind(webhook: Webhook) -> None:
    authorization = authorization_of(webhook)
    if authorization is None or authorization.expires_at is None:
        return
    Webhook.objects.select_for_update().get(pk=webhook.pk)  # so that two workers send one reminder
    is_reminded = webhook.deliveries.filter(event=Event.CONSENT_CONFIRM_DUE).exists()
    if not is_reminded and authorization.expires_at - timezone.now() < CONFIRM_DUE_BEFORE:
        enqueue(WebhookDelivery.objects.create(webhook=webhook, event=Event.CONSENT_CONFIRM_DUE).pk)
