"""Processes each message of the payment scheme once, identified by the scheme's own id."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from uuid_utils.compat import uuid7

from banking import ledger
from banking.models import SchemeMessage
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation import iban
from banking.notation.currencies import MINOR_DIGITS, PLAY_MONEY
from oauth.infrastructure import display_names

#: The part of a message that is stored: the fields of a SchemeMessage.
Fields = dict[str, Any]
_ONCE = "scheme_message_once"


class MalformedMessage(ValueError):
    """The message can never be processed: a field is missing or invalid."""


class DifferentMessage(ValueError):
    """A message with other contents was received before under this id."""


def act_once(told: Fields, act: Callable[[SchemeMessage], None]) -> SchemeMessage:
    """Runs `act` in one transaction, and stores the message with the result that `act` has set. A message that was
    received before is returned as it was stored. `told` is the content of the message. Raises DifferentMessage.
    """
    if known := _stored(told):
        return known

    def work() -> SchemeMessage:
        message = SchemeMessage(id=uuid7(), **told)
        act(message)
        message.save(force_insert=True)
        return message

    try:
        return ledger.in_transaction(work)
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) != _ONCE:
            raise
        known = _stored(told)  # it arrived twice at the same time, and the other copy was stored first
        assert known
        return known


def identifier(value: str, *, longest: int) -> str:
    """The id. Raises MalformedMessage if it is empty, too long, or has characters other than visible ASCII."""
    if not 0 < len(value) <= longest or not all("!" <= character <= "~" for character in value):
        raise MalformedMessage(f"An id must have 1 to {longest} visible ASCII characters: {value!r}")
    return value


def amount(currency: str, amount_minor: int) -> Fields:
    """Raises MalformedMessage."""
    is_known = currency in MINOR_DIGITS or (currency == PLAY_MONEY and settings.BANK_SANDBOX)
    if not is_known or type(amount_minor) is not int or not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise MalformedMessage(f"{amount_minor!r} {currency!r} is not an amount.")
    return {"currency": currency, "amount_minor": amount_minor}


def reason_code(value: str) -> str:
    """Raises MalformedMessage."""
    if len(value) > 4 or not (value == "" or (value.isascii() and value.isalnum() and value.isupper())):
        raise MalformedMessage(f"{value!r} is not a code of ISO 20022.")
    return value


def account_number(value: str) -> str:
    """Compact and cut to the length of an IBAN, not validated: whether the account exists is checked later."""
    return text(iban.compact(value))[:34]


def text(value: str) -> str:
    """Text from strangers, made safe for a page."""
    return display_names.plain(value, longest=140)


def _stored(told: Fields) -> SchemeMessage | None:
    known = SchemeMessage.objects.filter(message_id=told["message_id"]).first()
    if known and any(getattr(known, name) != value for name, value in told.items()):
        raise DifferentMessage(f"Another message with the id {known.message_id} was received before.")
    return known
