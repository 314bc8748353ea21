"""The bank's rates, and the rate for customers: the mid rate less the spread, cut off after RATE_DIGITS digits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext

from django.conf import settings
from django.db.models import Q

from banking.exchanges.refusals import NoRate
from banking.models import ExchangeQuote, ExchangeRate
from banking.models.exchange import RATE_DIGITS
from banking.notation.currencies import MINOR_DIGITS, minor_digits
from oauth.infrastructure import clock

# A mid rate has up to 24 digits and a spread up to 6, so nothing is rounded before the last step.
_EXACT = Context(prec=80)
_LAST_DIGIT = Decimal(1).scaleb(-RATE_DIGITS)


@dataclass(frozen=True, slots=True)
class Offer:
    """`rate` is the amount that one major unit of `sell_currency` buys."""

    of_rate: ExchangeRate
    sell_currency: str
    buy_currency: str
    rate: Decimal

    def bought(self, sell_minor: int) -> int:
        """Rounded down, in the bank's favor by less than one minor unit."""
        with localcontext(_EXACT):
            return int((sell_minor * self._factor).to_integral_value(ROUND_FLOOR))

    def sold(self, buy_minor: int) -> int:
        """Rounded up, in the bank's favor by less than one minor unit."""
        with localcontext(_EXACT) as context:
            context.rounding = ROUND_CEILING
            return int((buy_minor / self._factor).to_integral_value(ROUND_CEILING))

    @property
    def _factor(self) -> Decimal:
        return self.rate.scaleb(minor_digits(self.buy_currency) - minor_digits(self.sell_currency))


def rate_in_force(one: str, other: str, *, at: datetime | None = None) -> ExchangeRate:
    """The newest rate of the pair, in either direction, that was approved and is valid then. Raises NoRate."""
    if one not in MINOR_DIGITS or other not in MINOR_DIGITS:  # also for play money, which cannot be exchanged
        raise NoRate
    pair = Q(base=one, counter=other) | Q(base=other, counter=one)
    rates = ExchangeRate.objects.filter(pair, _valid(at or clock.now()))
    rate = rates.order_by("-valid_from", "-pk").first()
    if rate is None:
        raise NoRate
    return rate


def offer(sell_currency: str, buy_currency: str) -> Offer:
    """The rate that the bank offers now. Raises NoRate."""
    in_force = rate_in_force(sell_currency, buy_currency)
    with localcontext(_EXACT):
        exact = in_force.mid * in_force.kept if in_force.base == sell_currency else in_force.kept / in_force.mid
        rate = exact.quantize(_LAST_DIGIT, rounding=ROUND_FLOOR)
    if not rate:
        raise NoRate
    return Offer(in_force, sell_currency, buy_currency, rate)


def mid_rate(quote: ExchangeQuote) -> Decimal:
    """The mid rate of a quote, in its direction, to compare its rate with."""
    mid = quote.of_rate.mid
    if quote.of_rate.base == quote.sell_currency:
        return mid
    with localcontext(_EXACT):
        return (1 / mid).quantize(_LAST_DIGIT)


def exchangeable(currency: str, among: Iterable[str]) -> list[str]:
    """The currencies of `among` that the bank exchanges with `currency`, in both directions."""
    others = set(among) - {currency}
    valid = ExchangeRate.objects.filter(_valid(clock.now()))
    pairs = valid.filter(Q(base=currency, counter__in=others) | Q(counter=currency, base__in=others))
    found = pairs.values_list("base", "counter").distinct()
    return sorted({base if counter == currency else counter for base, counter in found})


def is_outdated(valid_from: datetime, *, at: datetime) -> bool:
    """Whether a rate is too old, for example because a feed has stopped."""
    return bool(settings.EXCHANGE_RATE_HOURS) and valid_from <= _oldest(at)


def _valid(at: datetime) -> Q:
    """Approved, in force by then, and not outdated."""
    valid = Q(status=ExchangeRate.Status.APPROVED, valid_from__lte=at)
    return valid & Q(valid_from__gt=_oldest(at)) if settings.EXCHANGE_RATE_HOURS else valid


def _oldest(at: datetime) -> datetime:
    return at - timedelta(hours=settings.EXCHANGE_RATE_HOURS)


def set_rate(
    base: str, counter: str, *, mid: Decimal, spread_percent: Decimal, reason: str, valid_from: datetime | None = None
) -> ExchangeRate:
    """Sets a rate, for an operator on the command line or for the operator's feed of rates. The rate needs no second
    officer. Raises ValidationError.
    """
    now = clock.now()
    rate = ExchangeRate(
        base=base, counter=counter, mid=mid, spread_percent=spread_percent, reason=reason,
        valid_from=valid_from or now, status=ExchangeRate.Status.APPROVED, decided_at=now,
    )  # fmt: skip
    rate.full_clean()
    rate.save(force_insert=True)
    return rate
