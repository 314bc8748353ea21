"""A user leaves the bank: closes their accounts, which must be empty, and ends their access to accounts of others. The
ledger keeps its entries.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from banking.account_life.access import end_access
from banking.account_life.closing import close
from banking.account_life.functions import call
from banking.account_life.refusals import NotClosable, OtherAccountNeeded
from banking.models import (
    Account,
    AccountAccess,
    AccountAct,
    AccountApplication,
    AccountInvitation,
    DirectDebitRefund,
    ExchangeQuote,
    MutedNotice,
    Payee,
    PaymentLimit,
    Role,
    ScheduledTransfer,
    StatementFile,
    TransactionNote,
    TransactionQuestion,
    Transfer,
    Webhook,
)
from banking.notation import amounts

#: An obstacle that the user must remove first, and the path of the page for that.
Obstacle = tuple[str, str]


class LeavingTheBank:
    """For settings.CLOSING_PARTS."""

    def obstacles(self, user_id: UUID) -> Iterator[Obstacle]:
        """What must end before the user can leave, each named: money, pending payments, payment orders, and accounts
        that others also use.
        """
        for account in _owned(user_id):
            url = reverse("bank:account", args=[account.pk])
            yield from ((text, url) for text in _of_account(account))
        pending = Transfer.objects.filter(user_id=user_id, status=Transfer.Status.PENDING).order_by("pk")
        for transfer in pending.select_related("destination"):
            text = _("A payment is on its way: %(amount)s to %(payee)s.") % _payment(transfer)
            yield text, reverse("bank:receipt", args=[transfer.pk])
        orders = ScheduledTransfer.objects.filter(user_id=user_id, status__in=ScheduledTransfer.OPEN).order_by("pk")
        for order in orders.select_related("destination"):
            text = _("A payment order is set up: %(amount)s to %(payee)s. Cancel it.") % _payment(order)
            yield text, reverse("bank:order", args=[order.pk])

    def leave(self, user_id: UUID, email: str) -> Iterator[Obstacle]:
        """The caller must have required a fresh login."""
        for account in _owned(user_id):
            try:
                close(account.pk, by=user_id, is_proven=True)
            except (NotClosable, OtherAccountNeeded):
                text = _("%(account)s cannot be closed here. Close it on its own page first.")
                yield text % {"account": account.name}, reverse("bank:close-account", args=[account.pk])
        others = AccountAccess.objects.filter(user=user_id).exclude(role=Role.OWNER)
        for account_id in list(others.order_by("account_id").values_list("account_id", flat=True)):
            end_access(account_id, user_id, by=user_id)
        applied = AccountApplication.objects.filter(user=user_id, status=AccountApplication.Status.OPEN)
        applied.update(status=AccountApplication.Status.WITHDRAWN)
        # ASVS 5.0 10.3.3: a later user who signs up with this email must not find an invitation that was meant for this
        # user.
        invited = AccountInvitation.objects.filter(email=email.lower(), status=AccountInvitation.Status.OPEN)
        for pk in invited.values_list("pk", flat=True):
            call("end_invitation", pk, AccountInvitation.Status.DECLINED)
        # Deletes unused quotes. They are of no use, because a closed account cannot exchange.
        ExchangeQuote.objects.filter(user=user_id, exchange=None).delete()
        for personal in (
            MutedNotice,
            Payee,
            PaymentLimit,
            StatementFile,
            TransactionNote,
            TransactionQuestion,
            Webhook,
        ):
            personal._default_manager.filter(user=user_id).delete()

    def keeps_records(self, user_id: UUID) -> bool:
        """Directive (EU) 2015/849 art. 40: True for users who had an account, or paid from one."""
        had_account = (
            Account.objects.filter(holder=user_id).exists() or AccountAct.objects.filter(user_id=user_id).exists()
        )
        return had_account or Transfer.objects.filter(user_id=user_id).exists()


def _owned(user_id: UUID) -> QuerySet[Account]:
    owned = Account.objects.filter(access__user=user_id, access__role=Role.OWNER)
    return owned.exclude(status=Account.Status.CLOSED).order_by("pk")


def _of_account(account: Account) -> Iterator[str]:
    about = {"account": account.name, "amount": amounts.with_symbol(account.currency, abs(account.posted_minor))}
    if account.status == Account.Status.FROZEN:
        yield _("%(account)s is frozen. Please contact us.") % about
    if account.posted_minor > 0:
        yield _("%(account)s has %(amount)s. Transfer the money to another account.") % about
    if account.posted_minor < 0:
        yield _("%(account)s owes %(amount)s. Pay this amount in.") % about
    if AccountAccess.objects.filter(account=account).exclude(role=Role.OWNER).exists():
        yield _("Others use %(account)s as well. End their access, or close the account.") % about
    claimed = DirectDebitRefund.objects.filter(status=DirectDebitRefund.Status.CLAIMED)
    if claimed.filter(collection__account=account).exists():
        yield _("%(account)s waits for the answer about the refund of a direct debit.") % about


def _payment(payment: Transfer | ScheduledTransfer) -> dict[str, str]:
    payee = payment.payee_name or (payment.destination.name if payment.destination else payment.reference)
    return {"amount": amounts.with_symbol(payment.currency, payment.amount_minor), "payee": payee}
