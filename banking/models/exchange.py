"""Currency exchange: the bank's rates, quotes to users, and exchanges."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.ledger import MAX_AMOUNT_MINOR, LedgerTransaction
from banking.notation import amounts
from banking.notation.currencies import MINOR_DIGITS

#: Digits after the point of a rate. A rate is cut off after them, in the bank's favor.
RATE_DIGITS = 12
_RATE: Any = {"max_digits": 24, "decimal_places": RATE_DIGITS}


class ExchangeRate(models.Model):
    """One unit of `base` is worth `mid` units of `counter`, in major units, from `valid_from` until a later rate is in
    force.

    Either one officer asks and another approves, or an operator sets the rate on the command line. Only approved rates
    are in force. The database refuses a decision by the officer who asked, and any change of a request or decision
    (migration 0051).
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for a second officer")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    base = models.CharField(max_length=3)
    counter = models.CharField("counter currency", max_length=3)
    mid = models.DecimalField(
        "mid rate",
        help_text="How many units of the counter currency one unit of the base currency is worth, without the spread.",
        **_RATE,
    )
    spread_percent = models.DecimalField(
        "spread",
        max_digits=6,
        decimal_places=4,
        help_text="How much less than the mid rate the customer gets, in percent.",
    )
    valid_from = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=140)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    requested_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=140, blank=True)

    class Meta:
        db_table = "exchange_rate"
        default_permissions = ("view",)
        permissions = [
            ("request_exchangerate", "Can ask for an exchange rate"),
            ("approve_exchangerate", "Can approve or decline exchange rates that another officer asked for"),
        ]
        indexes = [
            models.Index(
                fields=["base", "counter", "-valid_from", "-id"], name="rate_in_force", condition=Q(status="approved")
            ),
            models.Index(fields=["-id"], name="rate_open", condition=Q(status="open")),
        ]
        constraints = [
            models.CheckConstraint(name="rate_of_two_currencies", condition=~Q(base=F("counter"))),
            # Without play money (XTS), which is never exchanged for real money.
            models.CheckConstraint(
                name="rate_of_real_money",
                condition=Q(base__in=sorted(MINOR_DIGITS), counter__in=sorted(MINOR_DIGITS)),
            ),
            models.CheckConstraint(
                name="rate_in_range",
                condition=Q(mid__gt=0, spread_percent__gte=0, spread_percent__lt=100),
            ),
            models.CheckConstraint(
                name="rate_by_two_people", condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by"))
            ),
            models.CheckConstraint(
                name="rate_status_consistent",
                condition=Q(status="open", requested_by__isnull=False, decided_by=None, decided_at=None)
                | Q(
                    status__in=["approved", "declined"], requested_by__isnull=False, decided_by__isnull=False,
                    decided_at__isnull=False,
                )
                # Set by an operator on the command line.
                | Q(status="approved", requested_by=None, decided_by=None, decided_at__isnull=False),
            ),
            models.CheckConstraint(name="rate_for_a_reason", condition=~Q(reason="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.base}/{self.counter} {self.mid.normalize():f}"

    def clean(self) -> None:
        """The constraints, in words that say what to enter."""
        wrong = {
            name: "The currency must be one of ISO 4217, and not play money."
            for name in ("base", "counter")
            if getattr(self, name) not in MINOR_DIGITS
        }
        if self.base == self.counter:
            wrong.setdefault("counter", "The two currencies must differ.")
        if self.mid is not None and self.mid <= 0:
            wrong["mid"] = "The rate must be above 0."
        if self.spread_percent is not None and not 0 <= self.spread_percent < 100:
            wrong["spread_percent"] = "The spread must be at least 0 and below 100 percent."
        if wrong:
            raise ValidationError(wrong)

    @property
    def kept(self) -> Decimal:
        """The mid rate less the spread, as a fraction of the mid rate."""
        return 1 - self.spread_percent / 100


class ExchangeQuote(models.Model):
    """An offer of the bank to one user until `expires_at`, for one exchange. Never changes. An unused quote is deleted
    after some time.

    `rate` is what one major unit of `sell_currency` buys, cut off after RATE_DIGITS digits. `fixed` says which amount
    the user entered; the other amount is computed and rounded in the bank's favor, by less than one minor unit.
    """

    class Fixed(models.TextChoices):
        SELL = "sell", "The amount to sell"
        BUY = "buy", "The amount to buy"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    client_id = models.CharField(max_length=255)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    destination = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    of_rate = models.ForeignKey(ExchangeRate, on_delete=models.PROTECT, related_name="quotes", db_index=False)
    rate = models.DecimalField(**_RATE)
    fixed = models.CharField(max_length=4, choices=Fixed.choices)
    sell_currency = models.CharField(max_length=3)
    sell_minor = models.BigIntegerField()
    buy_currency = models.CharField(max_length=3)
    buy_minor = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "exchange_quote"
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="quote_expires")]
        constraints = [
            models.CheckConstraint(name="quote_to_another", condition=~Q(source=F("destination"))),
            models.CheckConstraint(name="quote_of_two_currencies", condition=~Q(sell_currency=F("buy_currency"))),
            models.CheckConstraint(name="quote_fixed_known", condition=Q(fixed__in=["sell", "buy"])),
            models.CheckConstraint(
                name="quote_amounts_in_range",
                condition=Q(sell_minor__gt=0, sell_minor__lte=MAX_AMOUNT_MINOR)
                & Q(buy_minor__gt=0, buy_minor__lte=MAX_AMOUNT_MINOR),
            ),
        ]

    def __str__(self) -> str:
        sold = amounts.with_code(self.sell_currency, self.sell_minor)
        return f"{sold} to {amounts.with_code(self.buy_currency, self.buy_minor)}"


class Exchange(models.Model):
    """A quote that was carried out: `sold` debits the quote's source, and `bought` credits its destination, both
    through the bank's own accounts. The two transactions exist together and are never reversed.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    quote = models.OneToOneField(ExchangeQuote, on_delete=models.PROTECT, related_name="exchange")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    client_id = models.CharField(max_length=255)
    idempotency_key = models.CharField(max_length=255)
    # SHA-256 of the validated request.
    fingerprint = models.BinaryField(null=True, editable=False)
    sold = models.OneToOneField(LedgerTransaction, on_delete=models.PROTECT, related_name="+")
    bought = models.OneToOneField(LedgerTransaction, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "exchange"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["user", "-id"], name="exchange_of_user")]
        constraints = [
            models.UniqueConstraint(fields=["client_id", "user", "idempotency_key"], name="exchange_once"),
        ]

    def __str__(self) -> str:
        return str(self.id)
