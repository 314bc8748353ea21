"""A kind of account that the bank offers, in one currency and with its terms."""

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from banking.notation.currencies import MINOR_DIGITS


class Product(models.Model):
    """Rates are in percent a year; None means that the product has no such term. `is_on_offer` says whether users may
    ask for an account.

    The site's role may change only the name and `is_on_offer`, so accounts keep the terms with which they were opened.
    """

    class Kind(models.TextChoices):
        """The types of customers' accounts, as in Account.Type."""

        CURRENT = "current", "Current account"
        SAVINGS = "savings", "Savings account"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    currency = models.CharField(max_length=3)
    is_on_offer = models.BooleanField("users can apply for it", default=False)
    allows_overdraft = models.BooleanField(default=False)
    credit_interest_rate = models.DecimalField(
        max_digits=7,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="Interest on a credit balance, in percent a year.",
    )
    overdraft_interest_rate = models.DecimalField(
        max_digits=7, decimal_places=4, null=True, blank=True, help_text="Interest on an overdraft, in percent a year."
    )
    monthly_fee_minor = models.BigIntegerField(
        "monthly fee", null=True, blank=True, help_text="In minor units: 500 is 5.00 in GBP."
    )

    class Meta:
        db_table = "product"
        ordering = ["name", "currency"]
        default_permissions = ("view", "add", "change")
        constraints = [
            models.UniqueConstraint(fields=["name", "currency"], name="product_once"),
            models.UniqueConstraint(fields=["id", "currency", "kind"], name="product_of_accounts"),
            models.CheckConstraint(name="product_kind_known", condition=Q(kind__in=["current", "savings"])),
            models.CheckConstraint(name="product_currency_known", condition=Q(currency__in=sorted(MINOR_DIGITS))),
            models.CheckConstraint(
                name="product_terms_not_negative",
                condition=(Q(credit_interest_rate=None) | Q(credit_interest_rate__gte=0))
                & (Q(overdraft_interest_rate=None) | Q(overdraft_interest_rate__gte=0))
                & (Q(monthly_fee_minor=None) | Q(monthly_fee_minor__gte=0)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"
