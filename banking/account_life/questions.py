"""A user asks about a transaction of their account, or disputes it. Officers who may answer get an email."""

from uuid import UUID

from django.db import IntegrityError, transaction

from banking.account_life.officers import tell_officers
from banking.account_life.refusals import AlreadyAsked, TooMany
from banking.models import TransactionQuestion
from banking.notices import Kind
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

LIMIT = Limit("transaction-questions", 10, seconds=86_400)


def ask(user_id: UUID, account_id: UUID, transaction_id: UUID, kind: str, text: str) -> TransactionQuestion:
    """The caller must check that the user may see the transaction. Raises AlreadyAsked while the user has an open
    question about it, or TooMany.
    """
    try:
        rate_limits.spend(LIMIT, str(user_id))
    except LimitReached as error:
        raise TooMany from error
    theirs = TransactionQuestion.objects.filter(user_id=user_id, transaction_id=transaction_id)
    try:
        with transaction.atomic():
            asked = TransactionQuestion.objects.create(
                user_id=user_id, account_id=account_id, transaction_id=transaction_id, kind=kind, text=text
            )
            tell_officers("banking.answer_transactionquestion", Kind.QUESTION_ASKED, asked.pk, but_not=[user_id])
    except IntegrityError as error:
        if theirs.filter(status=TransactionQuestion.Status.OPEN).exists():
            raise AlreadyAsked from error
        raise
    return asked
