"""Accounts: a person's, or the bank's own. Balances move only through ledger entries and holds."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from oauth.fast_path.compiled_query import CompiledQuery

if TYPE_CHECKING:
    from oauth.tokens.access_token import AccessToken


class Role(models.TextChoices):
    """What a person may do with an account. The owner's row is written by the database, with the account."""

    OWNER = "owner", "Owner"
    HOLDER = "holder", "Joint holder"
    READER = "reader", "May look, not pay"


class AccountQuerySet(models.QuerySet["Account"]):
    def of(self, user_id: UUID | str, *, may_pay: bool = False) -> "AccountQuerySet":
        """The accounts of a person: owned, held together with others or, unless money moves, looked after."""
        roles = [Role.OWNER, Role.HOLDER] if may_pay else [*Role]
        return self.filter(access__user_id=user_id, access__role__in=roles)

    def visible_to(self, token: "AccessToken", action: str = "") -> "AccountQuerySet":
        """The one place that decides which accounts a token may see: its user's and, where it carries details
        (RFC 9396), of these only those that the person picked, for this action.

        A client acting for itself has none. What is not visible answers exactly as what does not exist.
        """
        return self._of_token(token, action)

    def rows_visible_to(
        self, token: "AccessToken", action: str, *fields: str, pk: UUID | None = None, after: UUID | None = None,
        limit: int = 1,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """`fields` of what visible_to shows, by id: the one of `pk`, or those `after` it. Compiled once where the token
        names no accounts."""
        if token.claims.authorization_details:
            accounts = _narrowed(self.visible_to(token, action), pk, after)
            return list(accounts.values(*fields)[:limit])
        user_id = user_id_of(token)
        if user_id is None:
            return []
        compiled = _compiled(fields, pk is not None, after is not None)
        rows = compiled.rows({_A_USER: user_id, _A_KEY: pk, _ANOTHER: after}, limit)
        return [dict(zip(fields, row, strict=True)) for row in rows]

    def payable_by(self, token: "AccessToken") -> "AccountQuerySet":
        """Its sibling for money: of what is visible, the accounts that the person may pay from."""
        return self._of_token(token, "", may_pay=True)

    def _of_token(self, token: "AccessToken", action: str, *, may_pay: bool = False) -> "AccountQuerySet":
        user_id = user_id_of(token)
        if user_id is None:
            return self.none()
        return self.of(user_id, may_pay=may_pay).named_by(token.claims.authorization_details, action)

    def named_by(self, details: Iterable[Mapping[str, Any]], action: str = "") -> "AccountQuerySet":
        """Those that the user picked in these details (RFC 9396) for this action; all where there are none.

        A filter on top of ownership, never instead of it.
        """
        return self.filter(_picked(details, action))


# They stand for those of a question while its SQL is compiled.
_A_USER, _A_KEY, _ANOTHER = UUID(int=1), UUID(int=2), UUID(int=3)


@cache
def _compiled(fields: tuple[str, ...], has_pk: bool, has_after: bool) -> CompiledQuery:
    def make() -> models.QuerySet[Any, Any]:
        accounts = Account.objects.of(_A_USER)
        return _narrowed(accounts, _A_KEY if has_pk else None, _ANOTHER if has_after else None).values_list(*fields)

    return CompiledQuery(make, (_A_USER, _A_KEY, _ANOTHER))


def _narrowed(accounts: AccountQuerySet, pk: UUID | None, after: UUID | None) -> AccountQuerySet:
    if pk is not None:
        accounts = accounts.filter(pk=pk)
    if after is not None:
        accounts = accounts.filter(pk__gt=after)
    return accounts.order_by("pk")


def user_id_of(token: "AccessToken") -> UUID | None:
    """None for a client that acts for itself, and for a subject that is no user of this bank."""
    try:
        return UUID(token.claims.user_id or "")
    except ValueError:
        return None


def _picked(details: Iterable[Mapping[str, Any]], action: str) -> Q:
    if not details:
        return Q()
    named = Q(pk__in=[])
    for detail in details:
        if detail["type"] == "account_information" and (not action or action in detail["actions"]):
            if detail.get("accounts_by") == "consent":
                named |= Q(pk__in=Account.objects.filter(consents=UUID(detail["identifier"])).values("pk"))
            else:
                named |= Q(pk__in=[UUID(one) for one in detail["accounts"]])
        elif detail["type"] == "transfer" and not action:
            named |= Q(pk=UUID(detail["debtor_account"]))
    return named


class Account(models.Model):
    """Amounts are signed minor units; + is credit to the holder. `posted_minor`, `held_minor` and `last_seq` are
    written by triggers only."""

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
    currency = models.CharField(max_length=3, validators=[RegexValidator(r"^[A-Z]{3}$")])
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)
    overdraft_minor = models.BigIntegerField(default=0)
    posted_minor = models.BigIntegerField(default=0, editable=False)
    held_minor = models.BigIntegerField(default=0, editable=False)
    last_seq = models.BigIntegerField(default=0, editable=False)
    opened_at = models.DateTimeField(default=timezone.now)

    objects = AccountQuerySet.as_manager()

    class Meta:
        db_table = "bank_account"
        ordering = ["opened_at", "id"]
        permissions = [("freeze_account", "Can freeze and unfreeze accounts")]
        indexes = [models.Index(fields=["status", "-id"], name="account_not_open", condition=~Q(status="open"))]
        constraints = [
            models.UniqueConstraint(fields=["id", "currency"], name="account_id_currency"),
            models.UniqueConstraint(
                fields=["name", "currency"], name="internal_account_name", condition=Q(kind="internal")
            ),
            models.CheckConstraint(name="kind_known", condition=Q(kind__in=["customer", "internal"])),
            models.CheckConstraint(name="status_known", condition=Q(status__in=["open", "frozen", "closed"])),
            models.CheckConstraint(name="account_currency_code", condition=Q(currency__regex=r"^[A-Z]{3}$")),
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
    """One person's role for one account: joint holders, and those who look after somebody's money."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="access")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="account_access")
    role = models.CharField(max_length=6, choices=Role.choices)

    class Meta:
        db_table = "account_access"
        verbose_name_plural = "account access"
        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="access_once"),
            models.UniqueConstraint(fields=["account"], name="one_owner", condition=Q(role="owner")),
            models.CheckConstraint(name="access_role_known", condition=Q(role__in=["owner", "holder", "reader"])),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.user_id}"
