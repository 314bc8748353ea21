"""Accounts of customers and of the bank itself. Balances change only through ledger entries and holds."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, StrIndex
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account_queryset import AccountQuerySet
from banking.models.product import Product
from banking.models.role import Role
from banking.notation.amounts import MOST_MINOR
from banking.notation.currencies import OF_ACCOUNTS

#: All codes in one text, each with a space before and after.
_CODES = f" {' '.join(sorted(OF_ACCOUNTS))} "


class Account(models.Model):
    """Amounts are signed minor units; + is credit to the holder. Only triggers write `posted_minor`, `held_minor`,
    `last_seq` and `last_booked_at`; `closed_until` is the end of the last closed month."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        INTERNAL = "internal", "Internal"

    class Type(models.TextChoices):
        CURRENT = "current", "Current account"
        SAVINGS = "savings", "Savings account"
        INTERNAL = "internal", "Internal account"

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        FROZEN = "frozen", _("Frozen")
        CLOSED = "closed", _("Closed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    type = models.CharField(max_length=8, choices=Type.choices)
    name = models.CharField(max_length=100)
    iban = models.CharField("IBAN", max_length=34, unique=True, null=True, blank=True)
    currency = models.CharField(max_length=3)
    # The product has the account's currency and type. None for the bank's own accounts, and for accounts that are older
    # than products.
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts")
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)
    overdraft_minor = models.BigIntegerField(default=0)
    posted_minor = models.BigIntegerField(default=0, editable=False)
    held_minor = models.BigIntegerField(default=0, editable=False)
    last_seq = models.BigIntegerField(default=0, editable=False)
    last_booked_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Since when the account is dormant: nothing is paid from it until a holder uses it again.
    dormant_since = models.DateTimeField(null=True, blank=True, editable=False)
    opened_at = models.DateTimeField(default=timezone.now)

    objects = AccountQuerySet.as_manager()

    if TYPE_CHECKING:  # annotations of AccountQuerySet.with_role
        role: str
        is_user_active: bool

    class Meta:
        db_table = "bank_account"
        ordering = ["opened_at", "id"]
        permissions = [
            ("freeze_account", "Can freeze and unfreeze accounts"),
            ("close_account", "Can close accounts without money"),
            ("restrict_account", "Can lower an overdraft and end a user's access to an account"),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="account_not_open", condition=~Q(status="open"))]
        constraints = [
            models.UniqueConstraint(fields=["id", "currency"], name="account_id_currency"),
            models.UniqueConstraint(
                fields=["name", "currency"], name="internal_account_name", condition=Q(kind="internal")
            ),
            models.CheckConstraint(name="kind_known", condition=Q(kind__in=["customer", "internal"])),
            models.CheckConstraint(name="status_known", condition=Q(status__in=["open", "frozen", "closed"])),
            # The codes are one text, because PostgreSQL parses each CHECK of a table again at each statement that
            # writes to it. With a list of 166 codes, this took a tenth of the time of a transfer.
            models.CheckConstraint(
                name="account_currency_known",
                condition=GreaterThan(StrIndex(Value(_CODES), Concat(Value(" "), "currency", Value(" "))), 0),
            ),
            models.CheckConstraint(name="overdraft_not_negative", condition=Q(overdraft_minor__gte=0)),
            models.CheckConstraint(name="held_not_negative", condition=Q(held_minor__gte=0)),
            models.CheckConstraint(
                name="customer_has_holder",
                condition=Q(kind="customer", holder__isnull=False) | Q(kind="internal", holder__isnull=True),
            ),
            models.CheckConstraint(
                name="no_overdraft",
                condition=Q(kind="internal") | Q(posted_minor__gte=F("held_minor") - F("overdraft_minor")),
            ),
            # Applies to the balance with and without the overdraft, so that JSON parsers keep every balance of the API
            # exact.
            models.CheckConstraint(
                name="balance_in_range",
                condition=Q(posted_minor__gte=-MOST_MINOR, posted_minor__lte=MOST_MINOR)
                & Q(overdraft_minor__lte=MOST_MINOR, held_minor__lte=MOST_MINOR)
                & Q(posted_minor__gte=F("held_minor") - F("overdraft_minor") - MOST_MINOR)
                & Q(posted_minor__lte=F("held_minor") - F("overdraft_minor") + MOST_MINOR),
            ),
            models.CheckConstraint(
                name="closed_is_empty", condition=~Q(status="closed") | Q(posted_minor=0, held_minor=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"

    @property
    def available_minor(self) -> int:
        return self.posted_minor - self.held_minor + self.overdraft_minor


class AccountAccess(models.Model):
    """One user's role for one account. Only functions of the database write it (migration 0033), and its foreign key
    deletes it with its user."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="access")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="account_access", db_constraint=False
    )
    role = models.CharField(max_length=8, choices=Role.choices)

    class Meta:
        db_table = "account_access"
        verbose_name_plural = "account access"
        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="access_once"),
            models.UniqueConstraint(fields=["account"], name="one_owner", condition=Q(role="owner")),
            models.CheckConstraint(
                name="access_role_known", condition=Q(role__in=["owner", "holder", "delegate", "reader"])
            ),
        ]

    def __str__(self) -> str:
        return self.get_role_display()
