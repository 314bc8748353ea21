"""Opening accounts: a person's, and the bank's own."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from banking.models import Account
from banking.notation import iban

SHARDS = 8


def open_account(
    holder: Any,
    *,
    name: str,
    currency: str,
    type: str = Account.Type.CURRENT,
    overdraft_minor: int = 0,
    number: int | None = None,
) -> Account:
    """A customer's account at zero with a new IBAN, or that of this account number."""
    return Account.objects.create(
        id=uuid7(),
        holder=holder,
        kind=Account.Kind.CUSTOMER,
        type=type,
        name=name,
        currency=currency,
        iban=iban.generate() if number is None else iban.of(number),
        overdraft_minor=overdraft_minor,
    )


def internal_account(currency: str, purpose: str, *, shard_by: UUID | None = None) -> Account:
    """The bank's own account for a purpose (clearing, fees), made at first use.

    An account that every payment touches serialises them all: with `shard_by` it is one of SHARDS.
    """
    name = f"{purpose} {shard_by.int % SHARDS + 1}" if shard_by else purpose
    wanted = {"kind": Account.Kind.INTERNAL, "name": name, "currency": currency}
    found = Account.objects.filter(**wanted).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return Account.objects.create(**wanted, type=Account.Type.INTERNAL)
    except IntegrityError:  # somebody else made it in this moment
        return Account.objects.get(**wanted)
