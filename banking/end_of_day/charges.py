"""Interest and fees of a month, one transaction each, posted once.

An account pays overdraft interest and its fee only as far as its balance and overdraft allow: the ledger refuses what
would overdraw it. The charge is then due, and is tried again each day, as for a frozen account. A charge that is due
costs no further fee. An account that closes is charged at that moment (`final_charges`), and never again.
"""

from decimal import Decimal
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Sum

from banking import ledger, webhooks
from banking.accounts.months import Month
from banking.accounts.opening import internal_account
from banking.ledger.refusals import Refusal
from banking.models import Account, AccountCharge, Event, InterestAccrual, LedgerTransaction

Row = TypeVar("Row", bound=Model)
Kind, Status = AccountCharge.Kind, AccountCharge.Status
#: The number of accounts or charges after which the step stores its progress.
BATCH = 200
#: The bank's own accounts, and the kind of the transaction.
_OTHER_SIDE = {
    Kind.INTEREST: ("Interest expense", "interest"),
    Kind.OVERDRAFT: ("Interest income", "interest"),
    Kind.FEE: ("Fee income", "fee"),
}


def charge_some(month: Month, reached: UUID | None) -> tuple[UUID | None, str]:
    """The next BATCH accounts, each in its own transaction. Returns where to continue, None after the last one."""
    terms = Q(product__credit_interest_rate__gt=0) | Q(product__overdraft_interest_rate__gt=0)
    with_terms = Account.objects.filter(terms | Q(product__monthly_fee_minor__gt=0), opened_at__lt=month.ends_at)
    # A closed account has nothing left to charge, unless an earlier release closed it without its final charges.
    earned = InterestAccrual.objects.filter(
        account=OuterRef("pk"), day__gte=month.first_day, day__lt=month.next.first_day
    )
    with_terms = with_terms.filter(~Q(status=Account.Status.CLOSED) | Exists(earned))
    accounts = list(_after(with_terms, reached).values_list("pk", flat=True)[:BATCH])
    for pk in accounts:
        ledger.in_transaction(partial(_charge, pk, month))
    return (accounts[-1] if len(accounts) == BATCH else None), f"{len(accounts)} accounts in the last batch"


def collect_some(reached: UUID | None) -> tuple[UUID | None, str]:
    """Posts the next BATCH of charges that were due and can be paid now."""
    due = list(_after(AccountCharge.objects.filter(status=Status.DUE), reached)[:BATCH])
    posted = sum(ledger.in_transaction(partial(_collect, charge)) for charge in due)
    return (due[-1].pk if len(due) == BATCH else None), f"{posted} of {len(due)} posted in the last batch"


def _after(rows: QuerySet[Row], reached: UUID | None) -> QuerySet[Row]:
    rows = rows.order_by("pk")
    return rows.filter(pk__gt=reached) if reached else rows


def _charge(account_id: UUID, month: Month) -> None:
    """Holds the lock of the account, so that two machines charge one after the other; the second one finds the rows of
    the first.
    """
    (account,) = ledger.lock([account_id])
    made = set(AccountCharge.objects.filter(account=account, month=month.first_day).values_list("kind", flat=True))
    for kind in Kind:
        if kind in made or (kind == Kind.FEE and account.status == Account.Status.CLOSED):
            continue
        amount_minor, carried = _amount(account, month, kind)
        if not amount_minor and not carried:
            continue
        charge = AccountCharge(
            account=account, month=month.first_day, kind=kind, amount_minor=amount_minor, carried_units=carried
        )
        settle(charge)
        charge.save(force_insert=True)


def _amount(account: Account, month: Month, kind: AccountCharge.Kind) -> tuple[int, Decimal]:
    """The amount that the account gets in minor units (negative if it pays), and the units that are carried over."""
    assert account.product
    if kind == Kind.FEE:
        return -(account.product.monthly_fee_minor or 0), Decimal(0)
    before = (
        AccountCharge.objects.filter(account=account, kind=kind, month__lt=month.first_day).order_by("-month").first()
    )
    accruals = InterestAccrual.objects.filter(account=account, day__lt=month.next.first_day)
    if before:
        accruals = accruals.filter(day__gte=Month.of(before.month).next.first_day)
    which, sign = ("earned_units", 1) if kind == Kind.INTEREST else ("owed_units", -1)
    units = sign * (accruals.aggregate(sum=Sum(which))["sum"] or Decimal(0))
    return rounded(units + (before.carried_units if before else 0))


def rounded(units: Decimal) -> tuple[int, Decimal]:
    """The amount in whole minor units, rounded half to even, and the remaining units: amount * UNITS + rest equals the
    argument.
    """
    amount_minor, rest = divmod(int(units), InterestAccrual.UNITS)
    if 2 * rest > InterestAccrual.UNITS or (2 * rest == InterestAccrual.UNITS and amount_minor % 2):
        amount_minor += 1
    return amount_minor, units - amount_minor * InterestAccrual.UNITS


def settle(charge: AccountCharge) -> None:
    """Posts the charge, or sets its status and the reason why it cannot be posted. The caller holds the lock of the
    account and stores the charge.
    """
    account = charge.account
    if not charge.amount_minor:
        charge.status = Status.NOTHING
    elif account.status == Account.Status.CLOSED:
        charge.status = Status.WAIVED
    else:
        try:
            charge.transaction = _post(charge)
        except Refusal as refusal:
            charge.status, charge.reason = Status.DUE, refusal.code
        else:
            charge.status, charge.reason = Status.POSTED, ""


def _post(charge: AccountCharge) -> LedgerTransaction:
    account, (name, sort) = charge.account, _OTHER_SIDE[Kind(charge.kind)]
    posted = ledger.post(
        [(account, charge.amount_minor), (internal_account(account.currency, name), -charge.amount_minor)],
        description=f"{charge.get_kind_display()} for {charge.month:%B %Y}",
        kind=sort,
        # The description is enough as the other side, because users do not see the names of the bank's own accounts.
        counterparty=("", ""),
    )
    webhooks.announce([(Event.TRANSACTION_BOOKED, account.pk, posted.pk)])
    return posted


def _collect(due: AccountCharge) -> bool:
    (account,) = ledger.lock([due.account_id])
    charge = AccountCharge.objects.select_for_update(no_key=True).get(pk=due.pk)
    if charge.status != Status.DUE:  # another machine has posted it already
        return False
    charge.account = account
    settle(charge)
    charge.save(update_fields=["status", "reason", "transaction"])
    return charge.status == Status.POSTED
