"""Search terms of the admin: one whole id, IBAN or email address. Each is looked up by an index."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import get_user_model

from banking.models import Account
from banking.notation import iban


@dataclass(frozen=True, slots=True)
class Term:
    """The object that a search term identifies. At most one field is set; none if the term has another form, or if
    nothing matches it.
    """

    id: UUID | None = None
    account_id: UUID | None = None
    user_id: UUID | None = None


def parse_term(text: str) -> Term:
    text = text.strip()
    try:
        return Term(id=UUID(text))
    except ValueError:
        pass
    if "@" in text:
        users = get_user_model()._default_manager
        email = users.normalize_email(text)
        return Term(user_id=users.filter(email=email).values_list("pk", flat=True).first())
    found = Account.objects.filter(iban=iban.compact(text)).values_list("pk", flat=True).first()
    return Term(account_id=found)
