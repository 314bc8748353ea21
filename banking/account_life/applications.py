"""A user applies for an account of a product that is on offer."""

from uuid import UUID

from django.db import IntegrityError, transaction

from banking.account_life.officers import tell_officers
from banking.account_life.refusals import AlreadyApplied, ApplicationOver, TooMany
from banking.account_life.sandbox import is_sandbox_customer
from banking.models import AccountApplication, Product
from banking.notices import Kind
from banking.payments.refusals import NotTheirs
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

LIMIT = Limit("account-applications", 10, seconds=86_400)


def apply(user_id: UUID, product_id: UUID, name: str) -> AccountApplication:
    """Sends an email to the officers who may decide. Raises NotTheirs for a product that is not on offer and for a
    sandbox customer, TooMany, or AlreadyApplied while the same application is open.
    """
    product = Product.objects.filter(pk=product_id, is_on_offer=True).first()
    if product is None or is_sandbox_customer(user_id):
        raise NotTheirs
    try:
        rate_limits.spend(LIMIT, str(user_id))
    except LimitReached as error:
        raise TooMany from error
    try:
        with transaction.atomic():
            made = AccountApplication.objects.create(user_id=user_id, product=product, name=name)
            tell_officers("banking.decide_accountapplication", Kind.APPLICATION_MADE, made.pk, but_not=[user_id])
    except IntegrityError as error:
        if AccountApplication.objects.filter(
            user_id=user_id, product=product, status=AccountApplication.Status.OPEN
        ).exists():
            raise AlreadyApplied from error
        raise
    return made


def withdraw(application_id: UUID, *, by: UUID) -> None:
    """Raises NotTheirs, or ApplicationOver if it was decided or withdrawn before."""
    theirs = AccountApplication.objects.filter(pk=application_id, user_id=by)
    if not theirs.exists():
        raise NotTheirs
    open_ones = theirs.filter(status=AccountApplication.Status.OPEN)
    if not open_ones.update(status=AccountApplication.Status.WITHDRAWN):
        raise ApplicationOver
