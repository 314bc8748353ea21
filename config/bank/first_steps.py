"""The steps that a new site needs before its first user, for the admin's home page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.urls import reverse

from banking.models import Account, Product
from oauth.models import Branding, Client

_CACHED = "config.bank.first_steps"
#: How long the steps are cached while one remains, and after all are done.
_KEPT_SECONDS, _ALL_DONE_SECONDS = 60, 3600


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    url: str
    is_done: bool


def first_steps(user: Any) -> Sequence[Step]:
    """All steps, each with whether it is done. Empty once all are done, and for staff who are not superusers."""
    if not user.is_superuser:
        return ()
    known: Sequence[Step] | None = cache.get(_CACHED)
    if known is None:
        steps = _steps()
        is_over = all(step.is_done for step in steps)
        known = () if is_over else steps
        cache.set(_CACHED, known, _ALL_DONE_SECONDS if is_over else _KEPT_SECONDS)
    return known


def _steps() -> Sequence[Step]:
    staff = get_user_model()._default_manager.filter(is_staff=True)
    return (
        Step("Give the site its name, logo and color", reverse("admin:oauth_branding_changelist"), _any(Branding)),
        Step("Register the first client", reverse("admin:oauth_client_add"), _any(Client)),
        Step("Offer a product that users can open", reverse("admin:banking_product_changelist"), _any(Product)),
        Step(
            "Give a colleague a role, so that two officers can decide",
            reverse("admin:accounts_user_changelist"),
            staff.filter(is_active=True).count() > 1,
        ),
        Step(
            "Open the first account: a user asks for it, and an officer approves",
            reverse("admin:banking_accountapplication_changelist"),
            Account.objects.filter(kind=Account.Kind.CUSTOMER).exists(),
        ),
    )


def _any(model: Any) -> bool:
    found: bool = model.objects.exists()
    return found
