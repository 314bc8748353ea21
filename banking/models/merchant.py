"""Names and categories that staff give to the counterparties of customers' payments."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.notation import iban


class Category(models.TextChoices):
    CASH = "cash", _("Cash")
    CHARITY = "charity", _("Charity")
    EATING_OUT = "eating_out", _("Eating out")
    EDUCATION = "education", _("Education")
    ENTERTAINMENT = "entertainment", _("Entertainment")
    FEES = "fees", _("Fees and interest")
    GROCERIES = "groceries", _("Groceries")
    HEALTH = "health", _("Health")
    HOUSING = "housing", _("Housing")
    INCOME = "income", _("Income")
    INSURANCE = "insurance", _("Insurance")
    SAVINGS = "savings", _("Savings")
    SHOPPING = "shopping", _("Shopping")
    TAXES = "taxes", _("Taxes")
    TRANSPORT = "transport", _("Transport")
    TRAVEL = "travel", _("Travel")
    UTILITIES = "utilities", _("Utilities")
    OTHER = "other", _("Other")


class Merchant(models.Model):
    """One counterparty, found by `counterparty`: its IBAN; or, for card payments and direct debits without an IBAN, its
    name or the text of the payment. Case is ignored. Other payments are never matched by text, because the payer
    chooses it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    counterparty = models.CharField(
        max_length=140,
        help_text="An IBAN; or, for payments without an IBAN, the complete name or text.",
    )
    name = models.CharField(max_length=100, help_text="The name that apps show.")
    category = models.CharField(max_length=13, choices=Category.choices)
    category_code = models.CharField(
        "merchant category code", max_length=4, blank=True, help_text="Four digits of ISO 18245, such as 5411."
    )

    class Meta:
        db_table = "merchant"
        ordering = ["name", "id"]
        constraints = [
            # Both sides use the database's `upper`, because Python's may differ from that of the database's locale.
            models.UniqueConstraint(Upper("counterparty"), name="merchant_once"),
            models.CheckConstraint(name="merchant_of_somebody", condition=~Q(counterparty="")),
            models.CheckConstraint(
                name="merchant_code_of_four", condition=Q(category_code="") | Q(category_code__regex="^[0-9]{4}$")
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.counterparty = counterparty_of(self.counterparty)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        self.counterparty = counterparty_of(self.counterparty)


def counterparty_of(text: str) -> str:
    """The form that is stored: an IBAN without separators, any other text unchanged."""
    compact = iban.compact(text)
    return compact if iban.is_valid(compact) else text.strip()
