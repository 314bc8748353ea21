"""An officer answers a user's question about a transaction."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from banking import notices
from banking.ledger.refusals import WrongState
from banking.models import TransactionQuestion
from banking.notices import Kind
from banking.oversight.audit import Officer, record
from banking.oversight.own_money import refuse_own_money


class AlreadyAnswered(WrongState):
    code = "question_already_answered"
    title = "The question was answered before."


@transaction.atomic
def answer_question(question_id: UUID, answer: str, *, by: Officer) -> TransactionQuestion:
    """Stores the answer, which the user can read in the web bank, and sends an email that does not contain it. Raises
    AlreadyAnswered or OwnMoney.
    """
    question = TransactionQuestion.objects.select_for_update(of=("self",)).get(pk=question_id)
    if question.status != TransactionQuestion.Status.OPEN:
        raise AlreadyAnswered
    refuse_own_money(by, [question.account_id])
    question.status, question.answer = TransactionQuestion.Status.ANSWERED, answer
    question.answered_by, question.answered_at = by.user, timezone.now()
    question.save(update_fields=["status", "answer", "answered_by", "answered_at"])
    record("question_answered", by=by, about=question.user_id, reason=f"Transaction {question.transaction_id}")
    notices.enqueue_notice(Kind.QUESTION_ANSWERED, question.pk)
    return question
