"""Webhooks: the URLs that apps registered, and the deliveries to them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class Event(models.TextChoices):
    TRANSACTION_BOOKED = "transaction.booked", "An entry was booked"
    TRANSFER_UPDATED = "transfer.updated", "A transfer has another status"
    DIRECT_DEBIT_UPDATED = "direct_debit.updated", "A direct debit was set up, collected, refused or cancelled"
    CONSENT_CONFIRM_DUE = "consent.confirm_due", "The access ends soon unless the user allows it again"
    CONSENT_REVOKED = "consent.revoked", "The app's access has ended"
    PING = "ping", "A test"


class Webhook(models.Model):
    """A URL that a client registered for one user. The webhook ends with the authorization. `accounts` are the accounts
    that the user picked; None for all. Deliveries about an account that the user has removed since are dropped.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    client_id = models.CharField(max_length=255)
    authorization_id = models.UUIDField()
    accounts = ArrayField(models.UUIDField(), null=True, blank=True)
    url = models.URLField("URL", max_length=2000)
    events = ArrayField(models.CharField(max_length=30, choices=Event.choices))
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "webhook"
        permissions = [("test_webhook", "Can test webhooks and send deliveries again")]
        indexes = [models.Index(fields=["user"], name="webhook_of_user", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """An event for one webhook, written in the transaction that caused it. Its delivery is attempted for up to three
    days. It contains ids only; the app fetches the rest with its token.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"
        DROPPED = "dropped", "Dropped: the webhook or the access ended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=30, choices=Event.choices)
    account_id = models.UUIDField(null=True, blank=True)
    resource_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_answer = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "webhook_delivery"
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
            models.Index(fields=["created_at"], name="delivery_created"),
            models.Index(fields=["status", "-id"], name="delivery_not_made", condition=~Q(status="delivered")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"
