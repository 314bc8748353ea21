"""Officers decide about users' applications for accounts."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from banking import notices
from banking.accounts.opening import open_account
from banking.ledger.refusals import NotAllowed, WrongState
from banking.models import Account, AccountApplication
from banking.notices import Kind
from banking.oversight.audit import Officer, record


class NotOpen(WrongState):
    code = "application_already_decided"
    title = "The application was decided or withdrawn before, or its user is disabled."


class OwnApplication(NotAllowed):
    code = "own_application"
    title = "You have applied for this yourself. Somebody else must decide."


@transaction.atomic
def approve_application(application_id: UUID, *, by: Officer, reason: str = "") -> Account:
    """Opens the account and notifies the user. Raises NotOpen or OwnApplication."""
    application = _locked(application_id, by)
    product = application.product
    account = open_account(
        application.user, name=application.name, currency=product.currency, type=product.kind, product=product
    )
    application.account = account
    _decide(application, AccountApplication.Status.APPROVED, by, reason)
    record(
        "account_opened", by=by, about=application.user_id, reason=f"Account {account.pk}: {product} {reason}".strip()
    )
    return account


@transaction.atomic
def refuse_application(application_id: UUID, *, by: Officer, reason: str) -> AccountApplication:
    """Refuses the application. The user can read the reason."""
    application = _locked(application_id, by)
    _decide(application, AccountApplication.Status.REFUSED, by, reason)
    record("account_refused", by=by, about=application.user_id, reason=f"{application.product}: {reason}")
    return application


def _locked(application_id: UUID, by: Officer) -> AccountApplication:
    found = AccountApplication.objects.select_for_update(of=("self",)).select_related("product", "user")
    application = found.get(pk=application_id)
    if application.status != AccountApplication.Status.OPEN or not application.user.is_active:
        raise NotOpen
    if application.user_id == by.user.pk:
        raise OwnApplication
    return application


def _decide(application: AccountApplication, status: AccountApplication.Status, by: Officer, reason: str) -> None:
    application.status, application.decision_reason = status, reason
    application.decided_by, application.decided_at = by.user, timezone.now()
    application.save(update_fields=["status", "decided_by", "decided_at", "decision_reason", "account"])
    notices.enqueue_notice(Kind.APPLICATION_DECIDED, application.pk)
