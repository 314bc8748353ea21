"""The texts of notices about accounts: access, state, and requests."""

from uuid import UUID

from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from banking.models import (
    Account,
    AccountAct,
    AccountApplication,
    AccountChange,
    AccountInvitation,
    ExchangeRate,
    ReversalRequest,
    Role,
    StatementFile,
    TransactionQuestion,
)
from banking.notation import amounts, iban
from banking.notices.messages import Facts, Message, harmless


def access_given(act: AccountAct) -> Message:
    facts = [*_account(act.account_id), *_user(act.user_id), (pgettext("role", "May"), _role(act.role))]
    return Message(_("Access to an account"), _("Somebody was given access to an account."), facts)


def access_ended(act: AccountAct) -> Message:
    what = _("The access of a user to an account has ended, with the orders and apps that used it.")
    return Message(_("Access to an account ended"), what, [*_account(act.account_id), *_user(act.user_id)])


def overdraft_changed(act: AccountAct) -> Message:
    account = Account.objects.get(pk=act.account_id)
    amount = amounts.with_symbol(account.currency, act.overdraft_minor or 0)
    facts = [*_account(act.account_id), (_("Overdraft"), amount)]
    return Message(_("Overdraft changed"), _("The overdraft of an account was changed."), facts)


def account_closed(act: AccountAct) -> Message:
    what = _("An account was closed, with its payment orders and direct debits. You can still read its statements.")
    return Message(_("Account closed"), what, _account(act.account_id))


def account_dormant(act: AccountAct) -> Message:
    what = _("Nobody has used an account for a long time. It pays nothing more until you use it again.")
    return Message(_("Account not used"), what, _account(act.account_id))


def account_used_again(act: AccountAct) -> Message:
    return Message(
        _("Account used again"), _("An account that nobody had used can pay again."), _account(act.account_id)
    )


def invited(invitation: AccountInvitation) -> Message:
    what = _("You are invited to an account. Log in to accept or decline. You get no access unless you accept.")
    facts = [
        (_("Invited by"), _name_of(invitation.invited_by_id)),
        (_("You may"), _role(invitation.role)),
        (pgettext("day", "Until"), date_format(timezone.localtime(invitation.expires_at), "DATE_FORMAT")),
    ]
    return Message(_("Invitation to an account"), what, facts)


def application_decided(application: AccountApplication) -> Message:
    if application.status == AccountApplication.Status.APPROVED:
        assert application.account_id
        return Message(
            _("Account opened"), _("The account that you asked for is open."), _account(application.account_id)
        )
    facts = [(_("Account"), application.product.name), (_("Reason"), harmless(application.decision_reason))]
    return Message(_("Account not opened"), _("We cannot open the account that you asked for."), facts)


def application_made(application: AccountApplication) -> Message:
    return Message(
        _("Application for an account"),
        _("A user asks for an account."),
        [(_("Account"), f"{application.product.name} {application.product.currency}")],
    )


def question_answered(question: TransactionQuestion) -> Message:
    """The email does not contain the answer, which the user reads after a login."""
    return Message(
        _("Your question was answered"),
        _("We have answered your question about a transaction. Read the answer on the page of the transaction."),
        _account(question.account_id),
    )


def statement_ready(file: StatementFile) -> Message:
    what = _("A statement is ready. Download it on the page of the account's statements until the day below.")
    facts = [
        *_account(file.account_id),
        (pgettext("day", "Until"), date_format(timezone.localtime(file.expires_at), "DATE_FORMAT")),
    ]
    return Message(_("Statement ready"), what, facts)


def question_asked(question: TransactionQuestion) -> Message:
    """The email contains no names and no text: officers read them in the admin."""
    return Message(
        _("Question about a transaction"),
        _("A user asks about a transaction, or disputes it."),
        [(_("About"), question.get_kind_display()), (_("Request"), str(question.pk))],
    )


def reversal_requested(request: ReversalRequest) -> Message:
    """The email contains no amount and no names: officers read them in the admin."""
    return Message(
        _("A second officer is needed"),
        _("An officer asks to reverse a transaction. Another officer must approve or decline it."),
        [(_("Request"), str(request.pk))],
    )


def change_requested(change: AccountChange) -> Message:
    """The email contains no amount and no names: officers read them in the admin."""
    return Message(
        _("A second officer is needed"),
        _("An officer asks for a change of an account. Another officer must approve or decline it."),
        [(pgettext("request", "Change"), change.get_kind_display()), (_("Request"), str(change.pk))],
    )


def rate_requested(rate: ExchangeRate) -> Message:
    return Message(
        _("A second officer is needed"),
        _("An officer asks for an exchange rate. Another officer must approve or decline it."),
        [(_("Currencies"), f"{rate.base}/{rate.counter}"), (_("Request"), str(rate.pk))],
    )


def _account(account_id: UUID) -> Facts:
    account = Account.objects.get(pk=account_id)
    return [(_("Account"), f"{harmless(account.name)} {iban.ending(account.iban or '')}".strip())]


def _user(user_id: UUID | None) -> Facts:
    return [(_("User"), _name_of(user_id))] if user_id else []


def _name_of(user_id: UUID) -> str:
    user = get_user_model()._default_manager.filter(pk=user_id).first()
    return (harmless(user.get_full_name()) or _("a user without a name")) if user else _("a deleted user")


def _role(role: str) -> str:
    return {
        Role.OWNER: _("everything"),
        Role.HOLDER: _("see, pay and share the account"),
        Role.DELEGATE: _("see the account and pay from it"),
        Role.READER: _("see the account"),
    }[Role(role)]
