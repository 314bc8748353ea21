"""Which bank days are closed, and which have ended since."""

from datetime import date, timedelta

from banking.models import BankDay

ONE_DAY = timedelta(days=1)


def last_closed() -> date | None:
    return BankDay.objects.filter(status=BankDay.Status.CLOSED).order_by("-day").values_list("day", flat=True).first()


def first_opened() -> date | None:
    return BankDay.objects.order_by("day").values_list("day", flat=True).first()


def not_closed(until: date, *, or_else: date | None = None) -> list[date]:
    """The days after the last one that was closed, until a day, inclusive. `or_else` is the first day of a bank that
    has opened none; none of its days are meant without it."""
    closed = last_closed()
    first = closed + ONE_DAY if closed else first_opened() or or_else
    return [first + n * ONE_DAY for n in range((until - first).days + 1)] if first else []
