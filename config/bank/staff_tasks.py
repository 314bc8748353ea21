"""The open decisions of this member of staff: each list on which they may decide, with its number of open items.

A user's own request must be decided by somebody else, so it is not counted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import NewEmail
from banking.models import (
    AccountApplication,
    AccountChange,
    ExchangeRate,
    ReversalRequest,
    SettlementDifference,
    TransactionQuestion,
)
from oauth.models import ClientReview, NewRedirectHost

#: Rows are counted up to this number.
MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Task:
    label: str
    count: int
    url: str

    @property
    def is_capped(self) -> bool:
        return self.count >= MOST_COUNTED


@dataclass(frozen=True, slots=True)
class _List:
    """`waiting` finds the open objects that this user may decide on. `permission` is what the user needs for that."""

    label: str
    permission: str
    view: str
    query: str
    waiting: Callable[[Any], QuerySet[Any]]


_LISTS = (
    _List(
        "Reversals to approve",
        "banking.approve_reversal",
        "admin:banking_reversalrequest_changelist",
        "status__exact=open",
        lambda user: ReversalRequest.objects.filter(status=ReversalRequest.Status.OPEN).exclude(requested_by=user),
    ),
    _List(
        "Changes of accounts to approve",
        "banking.approve_accountchange",
        "admin:banking_accountchange_changelist",
        "status__exact=open",
        lambda user: AccountChange.objects.filter(status=AccountChange.Status.OPEN).exclude(requested_by=user),
    ),
    _List(
        "Exchange rates to approve",
        "banking.approve_exchangerate",
        "admin:banking_exchangerate_changelist",
        "status__exact=open",
        lambda user: ExchangeRate.objects.filter(status=ExchangeRate.Status.OPEN).exclude(requested_by=user),
    ),
    _List(
        "Accounts to open",
        "banking.decide_accountapplication",
        "admin:banking_accountapplication_changelist",
        "status__exact=open",
        lambda user: AccountApplication.objects.filter(
            status=AccountApplication.Status.OPEN, user__is_active=True
        ).exclude(user=user),
    ),
    _List(
        "Questions about transactions",
        "banking.answer_transactionquestion",
        "admin:banking_transactionquestion_changelist",
        "status__exact=open",
        lambda user: TransactionQuestion.objects.filter(status=TransactionQuestion.Status.OPEN).exclude(
            account__access__user=user
        ),
    ),
    _List(
        "Settlement differences to look at",
        "banking.ask_settlementdifference",
        "admin:banking_settlementdifference_changelist",
        "status__exact=open",
        lambda user: SettlementDifference.objects.filter(status=SettlementDifference.Status.OPEN),
    ),
    _List(
        "Settlement differences to approve",
        "banking.decide_settlementdifference",
        "admin:banking_settlementdifference_changelist",
        "status__exact=asked",
        lambda user: SettlementDifference.objects.filter(status=SettlementDifference.Status.ASKED).exclude(
            asked_by=user
        ),
    ),
    _List(
        "Apps of developers to review",
        "oauth.change_client",
        "admin:oauth_clientreview_changelist",
        "state__exact=open",
        lambda user: (
            ClientReview.objects.filter(state=ClientReview.State.OPEN, client__is_active=True)
            .exclude(asked_by=user)
            .exclude(client__user=user)
        ),
    ),
    _List(
        "New emails of users to approve",
        "accounts.change_user",
        "admin:accounts_newemail_changelist",
        "decided_at__isempty=1",
        lambda user: NewEmail.objects.filter(decided_at=None).exclude(
            Q(asked_by=None) | Q(asked_by=user) | Q(user=user)
        ),
    ),
    _List(
        "New redirect hosts of clients to approve",
        "oauth.change_client",
        "admin:oauth_newredirecthost_changelist",
        "",
        lambda user: NewRedirectHost.objects.filter(decided_at=None).exclude(Q(asked_by=None) | Q(asked_by=user)),
    ),
)


def waiting_for(user: Any) -> Iterator[Task]:
    """Makes one query for each list that the user may decide on, and leaves out lists without open items."""
    for one in _LISTS:
        if not user.has_perm(one.permission):
            continue
        count = one.waiting(user).order_by()[:MOST_COUNTED].count()
        if count:
            yield Task(one.label, count, f"{reverse(one.view)}?{one.query}".rstrip("?"))
