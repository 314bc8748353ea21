"""Removes an account from a user's permissions for apps, when the user's access to it ends or the account is closed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from banking.consents.transfer import TRANSFER
from banking.models import Consent
from banking.models.account_queryset import ACCOUNT_ACCESS


def end_consents(user_id: UUID, account_id: UUID) -> None:
    """Removes the account from the user's consents, in the caller's transaction. Earlier consents never apply to this
    account again, even if the user gets access to it again.

    BANK_CONSENTS_ENDED names the function that does the same to the authorizations, which carry the details (RFC 9396).
    """
    import_string(settings.BANK_CONSENTS_ENDED)(user_id, lambda detail: without_account(detail, account_id))
    consents = Consent.objects.select_for_update(of=("self",)).filter(user_id=user_id, accounts=account_id)
    for consent in consents.order_by("pk"):
        Consent.accounts.through.objects.filter(consent=consent, account=account_id).delete()
        remaining = without_account(consent.detail, account_id)
        if remaining is not None and remaining != consent.detail:
            consent.detail = dict(remaining)
            consent.save(update_fields=["detail"])


def without_account(detail: Mapping[str, Any], account_id: UUID) -> Mapping[str, Any] | None:
    """The detail without this account; None if nothing else remains in the detail."""
    if detail["type"] == TRANSFER:
        return None if detail.get("debtor_account") == str(account_id) else detail
    # The app keeps permissions that are not about accounts, such as the login.
    may_be_empty = detail["type"] == ACCOUNT_ACCESS
    if detail.get("accounts_by") == "consent":
        others = Consent.accounts.through.objects.filter(consent=detail["identifier"]).exclude(account=account_id)
        return detail if may_be_empty or others.exists() else None
    accounts = detail.get("accounts", [])
    if str(account_id) not in accounts:
        return detail
    remaining = [one for one in accounts if one != str(account_id)]
    return {**detail, "accounts": remaining} if remaining or may_be_empty else None
