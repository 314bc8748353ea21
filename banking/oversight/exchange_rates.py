"""Exchange rates: one officer asks for one, another approves or declines it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from banking.account_life.officers import tell_officers
from banking.ledger.refusals import NotAllowed, WrongState
from banking.models import Account, ExchangeRate
from banking.notices import Kind
from banking.oversight.audit import Officer, record
from banking.oversight.requester import RequesterHasAccess, refuse_former


class SameUser(NotAllowed):
    code = "exchange_rate_by_same_person"
    title = "You have asked for this rate yourself. Somebody else must decide."


class OwnCurrencies(NotAllowed):
    code = "exchange_rate_of_own_money"
    title = "You have access to accounts in both currencies. Somebody else must do it."


class AlreadyDecided(WrongState):
    code = "exchange_rate_already_decided"
    title = "The rate was approved or declined before."


@transaction.atomic
def request_rate(
    base: str, counter: str, *, mid: Decimal, spread_percent: Decimal, valid_from: datetime, by: Officer, reason: str
) -> ExchangeRate:
    """Requests a rate, which needs the approval of another officer. Raises OwnCurrencies."""
    refuse_own_currencies(by, base, counter)
    rate = ExchangeRate.objects.create(
        base=base, counter=counter, mid=mid, spread_percent=spread_percent, valid_from=valid_from,
        requested_by=by.user, reason=reason,
    )  # fmt: skip
    _record("exchange_rate_requested", rate, by, reason)
    tell_officers("banking.approve_exchangerate", Kind.RATE_REQUESTED, rate.pk, but_not=[by.user.pk])
    return rate


@transaction.atomic
def approve_rate(rate_id: UUID, *, by: Officer, reason: str = "") -> ExchangeRate:
    """Raises AlreadyDecided, SameUser, OwnCurrencies, RequesterNotAllowed or RequesterHasAccess."""
    return _decide(rate_id, ExchangeRate.Status.APPROVED, by, reason)


@transaction.atomic
def decline_rate(rate_id: UUID, *, by: Officer, reason: str) -> ExchangeRate:
    return _decide(rate_id, ExchangeRate.Status.DECLINED, by, reason)


def _decide(rate_id: UUID, status: ExchangeRate.Status, by: Officer, reason: str) -> ExchangeRate:
    rate = ExchangeRate.objects.select_for_update(no_key=True).get(pk=rate_id)
    if rate.status != ExchangeRate.Status.OPEN:
        raise AlreadyDecided
    if rate.requested_by_id == by.user.pk:
        raise SameUser
    refuse_own_currencies(by, rate.base, rate.counter)
    if status == ExchangeRate.Status.APPROVED:
        refuse_former(rate.requested_by, "banking.request_exchangerate")
        if _has_both(rate.requested_by_id, rate.base, rate.counter):
            raise RequesterHasAccess
    rate.status, rate.decided_by, rate.decided_at, rate.decision_reason = status, by.user, timezone.now(), reason
    rate.save(update_fields=["status", "decided_by", "decided_at", "decision_reason"])
    _record(f"exchange_rate_{status}", rate, by, reason)
    return rate


def refuse_own_currencies(by: Officer, base: str, counter: str) -> None:
    """ISO 27001 A.5.3: an officer who could exchange at a rate must neither request nor decide it. The database also
    refuses it (migration 0062).
    """
    if _has_both(by.user.pk, base, counter):
        raise OwnCurrencies


def _has_both(user_id: UUID | None, base: str, counter: str) -> bool:
    """Whether the user has access to accounts in both currencies."""
    theirs = Account.objects.filter(access__user=user_id, currency__in=(base, counter))
    return theirs.exclude(status=Account.Status.CLOSED).values("currency").distinct().count() == 2


def _record(act: str, rate: ExchangeRate, by: Officer, reason: str) -> None:
    record(act, by=by, reason=f"{rate}, spread {rate.spread_percent} %: {reason}".rstrip(": "))
