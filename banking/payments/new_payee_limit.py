"""The limit for new payees, so that an attacker who takes over a session cannot empty the account immediately."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from banking.models import AccountAct, Payee, Role
from banking.notation import amounts
from banking.notation.currencies import PLAY_MONEY
from banking.payments.refusals import LimitExceeded
from banking.payments.strong_proof import PLAY_MONEY_LIMIT_MINOR
from oauth.infrastructure.rows import rows


def limit_of(currency: str) -> int:
    """The sum that all new payees of a user together may get, in minor units; 0 without an entry for the currency."""
    limits: Mapping[str, int] = settings.NEW_PAYEE_LIMIT_MINOR
    return limits.get(currency, PLAY_MONEY_LIMIT_MINOR if currency == PLAY_MONEY else 0)


def refuse_alone(user_id: UUID, payee_iban: str, amount_minor: int, currency: str, *, at: datetime) -> None:
    """Raises LimitExceeded if this payment alone is above the limit and the payee will still be new at the time
    `at`."""
    known = Payee.objects.current().filter(user_id=user_id, iban=payee_iban)
    if amount_minor <= limit_of(currency) or known.filter(created_at__lte=at - settings.NEW_PAYEE_PERIOD).exists():
        return
    raise exceeded(currency)


def refuse_new_joint_account(
    user_id: UUID, account_id: UUID, amount_minor: int, currency: str, *, at: datetime
) -> None:
    """Raises LimitExceeded if the user has held this joint account for less than NEW_PAYEE_PERIOD, and the amount would
    bring the sum for all new payees above the limit. For an exchange; the database itself decides about transfers. The
    caller holds the payer's lock.
    """
    since = at - settings.NEW_PAYEE_PERIOD
    given = AccountAct.objects.filter(account_id=account_id, user_id=user_id, role=Role.HOLDER, at__gt=since)
    if not given.exists():
        return
    [(is_too_much,)] = rows(_IS_TOO_MUCH, [user_id, "", amount_minor, currency, since, limit_of(currency)])
    if is_too_much:
        raise exceeded(currency)


_IS_TOO_MUCH = (
    "SELECT is_too_much_for_new_payees(%s::uuid, %s::text, %s::bigint, %s::text, %s::timestamptz, %s::bigint)"
)


def exceeded(currency: str) -> LimitExceeded:
    hours = int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600)
    most = amounts.with_code(currency, limit_of(currency))
    # The text is in the user's language in the web bank. In the API, no middleware sets a language, so it is in
    # English.
    detail = _(
        "New payees together can get at most %(most)s in %(hours)s hours."
        " To pay more, store the payee and wait that long."
        " A joint account is a new payee for that time after you accept it."
    )
    return LimitExceeded(detail % {"most": most, "hours": hours})
