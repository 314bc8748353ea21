"""Reads a camt.053 (ISO 20022, BankToCustomerStatement, versions 02 and later): the elements that reconciliation needs.

The file is untrusted. A document type is refused, so no entity is expanded and no external resource is loaded. A file
whose statement does not add up is refused as a whole.
"""

import hashlib
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation import bank_day
from banking.notation.currencies import MINOR_DIGITS

MOST_BYTES = 20 * 2**20
_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2}\}Document")
#: ISO 20022, ActiveOrHistoricCurrencyAndAmount: 18 digits, 5 of them fractional.
_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,5})?")
_IDENTIFIER = re.compile(r"[ -~]{1,35}")
#: Years of a period. Days before and after it exist in PostgreSQL and in Python.
_YEARS = range(1900, 3000)
#: The placeholder of ISO 20022 for an end-to-end id that the payer did not provide.
_NOT_PROVIDED = "NOTPROVIDED"
_REFERENCES = ("InstrId", "TxId", "EndToEndId", "AcctSvcrRef")


class MalformedFile(Exception):
    """The file is not a camt.053 that can be reconciled; the message says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One booked transaction of the account at the clearing system. `amount_minor` is positive for money that came
    in.
    """

    amount_minor: int
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """`ends_at` is exclusive."""

    message_id: str
    digest: str
    currency: str
    begins_at: datetime
    ends_at: datetime
    items: tuple[Item, ...]


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise MalformedFile("The file must not have a document type.")


def parse(content: bytes) -> Statement:
    """Raises MalformedFile."""
    if len(content) > MOST_BYTES:
        raise MalformedFile(f"The file must have at most {MOST_BYTES // 2**20} MiB.")
    parser = ElementTree.XMLParser(target=_WithoutDoctype())  # noqa: S314 (no document type, so no entities)
    try:
        parser.feed(content)
        root = parser.close()
    except ElementTree.ParseError as error:
        raise MalformedFile(f"The file is not well-formed XML: {error}.") from error
    if not _NAMESPACE.fullmatch(root.tag):
        raise MalformedFile("The file must be a camt.053.001 of ISO 20022.")
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    statements = root.findall("BkToCstmrStmt/Stmt")
    if len(statements) != 1:
        raise MalformedFile(f"The file must have one statement; it has {len(statements)}.")
    [statement] = statements
    currency = _currency(statement)
    begins_at, ends_at = _period(statement)
    items = tuple(item for entry in statement.findall("Ntry") for item in _items(entry, currency))
    _add_up(statement, currency, items)
    message_id = _identifier(_text(root, "BkToCstmrStmt/GrpHdr/MsgId"))
    return Statement(message_id, hashlib.sha256(content).hexdigest(), currency, begins_at, ends_at, items)


def _text(parent: "ElementTree.Element", path: str) -> str:
    found = (parent.findtext(path) or "").strip()
    if not found:
        raise MalformedFile(f"The element {path} is missing.")
    return found


def _identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise MalformedFile(f"{text[:40]!r} must be 1 to 35 visible characters.")
    return text


def _currency(statement: "ElementTree.Element") -> str:
    """The one currency of all amounts of the statement."""
    amounts = [*statement.iterfind("Bal/Amt"), *statement.iterfind("Ntry/Amt")]
    currencies = {amount.get("Ccy", "") for amount in amounts} | {statement.findtext("Acct/Ccy") or ""} - {""}
    if len(currencies) != 1 or not currencies <= MINOR_DIGITS.keys():
        raise MalformedFile(f"The statement must have one currency of ISO 4217; it has {sorted(currencies)}.")
    return currencies.pop()


def _period(statement: "ElementTree.Element") -> tuple[datetime, datetime]:
    period = statement.find("FrToDt")
    if period is None:
        raise MalformedFile("The statement must name its period (FrToDt).")
    try:
        if period.find("FrDt") is not None:
            first, last = (date.fromisoformat(_text(period, name)) for name in ("FrDt", "ToDt"))
            begins_at, ends_at = bank_day.begins_at(first), bank_day.ends_at(last)
        else:
            begins_at, ends_at = (_moment(_text(period, name)) for name in ("FrDtTm", "ToDtTm"))
    except (ValueError, OverflowError) as error:
        raise MalformedFile(f"The period is wrong: {error}.") from error
    if not (begins_at.year in _YEARS and ends_at.year in _YEARS):
        raise MalformedFile(f"The period must be in the years {_YEARS[0]} to {_YEARS[-1]}.")
    if begins_at >= ends_at:
        raise MalformedFile("The period must end after it begins.")
    return begins_at, ends_at


def _moment(text: str) -> datetime:
    """A time without an offset is in the time zone of the bank."""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=bank_day.time_zone())).astimezone(UTC)


def _items(entry: "ElementTree.Element", currency: str) -> Iterator[Item]:
    """The transactions of a booked entry; the entry itself if it lists none. Pending entries are left out."""
    status = (entry.findtext("Sts/Cd") or entry.findtext("Sts") or "").strip()
    if status != "BOOK":
        return
    total = _signed(entry, _amount(entry, "Amt", currency))
    details = entry.findall("NtryDtls/TxDtls")
    if len(details) < 2:
        yield Item(total, tuple(_references([entry, *details])))
        return
    items = [_item(detail, entry, currency) for detail in details]
    if sum(item.amount_minor for item in items) != total:
        raise MalformedFile("The transactions of an entry must sum to its amount.")
    yield from items


def _item(detail: "ElementTree.Element", entry: "ElementTree.Element", currency: str) -> Item:
    path = "Amt" if detail.find("Amt") is not None else "AmtDtls/TxAmt/Amt"
    of_direction = detail if detail.find("CdtDbtInd") is not None else entry
    return Item(_signed(of_direction, _amount(detail, path, currency)), tuple(_references([detail])))


def _signed(element: "ElementTree.Element", amount_minor: int) -> int:
    direction = _text(element, "CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise MalformedFile(f"CdtDbtInd must be CRDT or DBIT; it is {direction[:10]!r}.")
    return amount_minor if direction == "CRDT" else -amount_minor


def _amount(parent: "ElementTree.Element", path: str, currency: str) -> int:
    """The amount in minor units by ISO 4217. A fraction of one is refused, never rounded."""
    element = parent.find(path)
    text = _text(parent, path)
    if element is None or element.get("Ccy") != currency or not _AMOUNT.fullmatch(text):
        raise MalformedFile(f"{text[:30]!r} is not an amount in {currency}.")
    minor = Decimal(text).scaleb(MINOR_DIGITS[currency])
    if minor != minor.to_integral_value() or minor > MAX_AMOUNT_MINOR:
        raise MalformedFile(f"{text} {currency} is not a whole number of minor units up to 10^15.")
    return int(minor)


def _references(elements: "list[ElementTree.Element]") -> Iterator[str]:
    for element in elements:
        for name in _REFERENCES:
            for parent in (element, element.find("Refs")):
                text = (parent.findtext(name) or "").strip() if parent is not None else ""
                if text and text != _NOT_PROVIDED:
                    yield _identifier(text)


def _add_up(statement: "ElementTree.Element", currency: str, items: tuple[Item, ...]) -> None:
    """If the statement has both balances, the opening balance plus the items must be the closing balance."""
    balances = {}
    for balance in statement.findall("Bal"):
        code = balance.findtext("Tp/CdOrPrtry/Cd") or ""
        balances[code] = _signed(balance, _amount(balance, "Amt", currency))
    opening = balances.get("OPBD", balances.get("PRCD"))
    if opening is None or "CLBD" not in balances:
        return
    if opening + sum(item.amount_minor for item in items) != balances["CLBD"]:
        raise MalformedFile("The opening balance and the entries must sum to the closing balance.")
