"""The filter parameters that several lists share."""

from collections.abc import Iterable

from rest_framework.request import Request

from banking.api.problems import BadRequest
from banking.api.query import Choice, Moment, OptionalNumber, Parameter, SearchText
from banking.models import Category
from banking.models.ledger import MAX_AMOUNT_MINOR

FROM = Moment("from", "A day or time of RFC 3339, inclusive.")
TO = Moment("to", "A day or time of RFC 3339, exclusive.")
DIRECTION = Choice("direction", "Only incoming or only outgoing money.", ("in", "out"))
MIN_AMOUNT = OptionalNumber(
    "min_amount", "Minimum amount in minor units, for incoming and outgoing money.", 0, MAX_AMOUNT_MINOR
)
MAX_AMOUNT = OptionalNumber(
    "max_amount", "Maximum amount in minor units, for incoming and outgoing money.", 0, MAX_AMOUNT_MINOR
)
TEXT = SearchText("text", "Part of the reference or of the counterparty's name; case is ignored.", 100)
CATEGORY = Choice("category", "The category of the merchant.", tuple(Category.values))

AMOUNTS: tuple[Parameter, ...] = (MIN_AMOUNT, MAX_AMOUNT)
#: The filters by content, which may exclude an entry although its time matches.
CONTENT: tuple[Parameter, ...] = (DIRECTION, *AMOUNTS, TEXT, CATEGORY)


def named_in(request: Request, parameters: Iterable[Parameter]) -> str:
    """The filters of the request as text. A cursor is valid only with the same filters."""
    given = {parameter.name: parameter.text(request) for parameter in parameters}
    return str(sorted((name, value) for name, value in given.items() if value))


def amounts_of(request: Request) -> tuple[int | None, int | None]:
    """The minimum and the maximum amount, in minor units. Raises BadRequest."""
    least, most = MIN_AMOUNT.value(request), MAX_AMOUNT.value(request)
    if least is not None and most is not None and least > most:
        raise BadRequest("malformed_request", "min_amount must be at most max_amount.", parameter="min_amount")
    return least, most
