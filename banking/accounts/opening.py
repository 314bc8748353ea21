"""Opening accounts: for customers, and for the bank itself."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from banking.models import Account, Product
from banking.notation import iban

SHARDS = 8
#: The bank's own account for money that staff must still assign to its owner; one for each currency.
SUSPENSE = "Suspense"


def open_account(
    holder: Any,
    *,
    name: str,
    currency: str,
    type: str = Account.Type.CURRENT,
    overdraft_minor: int = 0,
    number: int | None = None,
    product: Product | None = None,
) -> Account:
    """Opens a customer's account with a balance of zero. `number` is the account number; without it, a random one is
    used. The currency and type must be those of the product.
    """
    return Account.objects.create(
        id=uuid7(),
        holder=holder,
        kind=Account.Kind.CUSTOMER,
        type=type,
        name=name,
        currency=currency,
        product=product,
        iban=_unused_iban() if number is None else iban.from_number(number),
        overdraft_minor=overdraft_minor,
    )


def _unused_iban() -> str:
    """A random IBAN that no account has. In a bank with a million accounts, one random IBAN in a hundred is taken. If
    two transactions choose the same one at the same moment, the unique key refuses the second.
    """
    while Account.objects.filter(iban=(chosen := iban.generate())).exists():
        pass
    return chosen


def internal_account(currency: str, purpose: str, *, shard_by: UUID | None = None) -> Account:
    """The bank's own account for a purpose such as clearing or fees, created at first use.

    If every payment used a single account, payments would wait for each other. With `shard_by` there are SHARDS such
    accounts, and the value selects one.
    """
    name = f"{purpose} {shard_by.int % SHARDS + 1}" if shard_by else purpose
    wanted = {"kind": Account.Kind.INTERNAL, "name": name, "currency": currency}
    found = Account.objects.filter(**wanted).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return Account.objects.create(**wanted, type=Account.Type.INTERNAL)
    except IntegrityError:  # another transaction has created it at the same moment
        return Account.objects.get(**wanted)
