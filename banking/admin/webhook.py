"""Webhooks and their deliveries: staff can send a test event, and repeat a delivery that failed."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from banking import webhooks
from banking.admin.acts import Act, WithActs
from banking.admin.read_only import ReadOnly
from banking.models import Webhook, WebhookDelivery


@admin.register(Webhook)
class WebhookAdmin(WithActs, ReadOnly):
    audits_itself = False
    list_display = ("url", "client_id", "user", "created_at", "ended_at")
    list_select_related = ("user",)
    found_by_id = ("id", "user_id")
    found_by_user = ("user_id",)
    fields = (
        "id", "url", "client_id", "user", "events", "accounts", "authorization_id", "created_at", "ended_at", "log",
    )  # fmt: skip
    readonly_fields = ("log",)
    acts = (
        Act(
            name="ping",
            label=_("Ping"),
            explanation=_("Sends a test event to this address. The log of deliveries shows the answer."),
            done=_("The test event is on its way."),
            permission="banking.test_webhook",
            do=lambda webhook, by, reason: webhooks.ping(webhook),
            suits=lambda webhook: webhook.ended_at is None,
            reason="none",
        ),
    )

    @admin.display(description=_("deliveries"))
    def log(self, webhook: Webhook) -> str:
        url = reverse("admin:banking_webhookdelivery_changelist")
        return format_html('<a href="{}?q={}">{}</a>', url, webhook.pk, _("Log of deliveries"))


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(WithActs, ReadOnly):
    audits_itself = False
    list_display = ("created_at", "event", "status", "attempts", "last_answer", "webhook", "delivered_at")
    list_filter = ("status",)
    list_select_related = ("webhook",)
    found_by_id = ("id", "webhook_id")
    found_by_user = ("webhook__user_id",)
    search_help_text = _("The whole id of a delivery or webhook, or the email address of a user.")
    fields = (
        "id", "webhook", "event", "account_id", "resource_id", "status", "attempts", "last_answer", "created_at",
        "delivered_at",
    )  # fmt: skip
    acts = (
        Act(
            name="send-again",
            label=_("Send again"),
            explanation=_("We retry it for three days, like a new delivery."),
            done=_("The delivery is on its way again."),
            permission="banking.test_webhook",
            do=lambda delivery, by, reason: webhooks.send_again(delivery.pk),
            suits=lambda delivery: delivery.status == WebhookDelivery.Status.FAILED,
            reason="none",
        ),
    )
