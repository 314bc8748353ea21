"""Tries a transfer without making it, so that a refusal is known before the user confirms."""

from dataclasses import replace
from uuid import uuid4

from django.db import transaction

from banking.ledger import in_transaction
from banking.payments.instruction import Instruction, Payer
from banking.payments.transfers import pay


def rehearse(instruction: Instruction, payer: Payer) -> None:
    """Makes the transfer in a transaction that is rolled back. Raises what `pay` raises, except StrongProofNeeded,
    because the user can log in when confirming.
    """

    def tried() -> None:
        pay(replace(instruction, key=f"rehearsal-{uuid4()}"), replace(payer, is_proven=True))
        transaction.set_rollback(True)

    in_transaction(tried)
