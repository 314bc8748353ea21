"""The user of a page: which accounts they may see, and whether they have just logged in."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from banking.models import Account, AccountAccess
from banking.models.account_queryset import AccountQuerySet
from banking.models.role import HOLDING
from banking.payments.refusals import NotTheirs

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """Decorates a view: only for logged-in users, not cached, and 404 for an object of another user."""

    @login_required
    @wraps(view)
    def private(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            answer = view(request, *args, **kwargs)
        except NotTheirs:
            raise Http404 from None
        answer["Cache-Control"] = "private, no-store"
        return answer

    return private


def id_of(request: HttpRequest) -> UUID:
    user: Any = request.user
    return UUID(str(user.pk))


def accounts_of(request: HttpRequest, *, may_pay: bool = False) -> AccountQuerySet:
    """The user's accounts, each with their `role`."""
    return Account.objects.of_user(id_of(request), may_pay=may_pay).with_role().order_by("opened_at", "id")


def account_or_404(request: HttpRequest, account_id: UUID) -> Account:
    account = accounts_of(request).filter(pk=account_id).first()
    if account is None:
        raise Http404
    return account


def holders_of(account: Account) -> list[str]:
    """The names of the holders of the account."""
    holding = AccountAccess.objects.filter(account=account, role__in=HOLDING).select_related("user")
    return [one.user.get_full_name() for one in holding.order_by("id")]


def is_fresh(request: HttpRequest) -> bool:
    """Whether the user has just logged in, by the same rule as for tokens (RFC 9470)."""
    logged_in_at = import_string(settings.BANK_LOGGED_IN_AT)(request)
    return bool(timezone.now() - logged_in_at <= settings.STEP_UP_MAX_AGE)


def reauthentication_url(way_back: str) -> str:
    return f"{settings.OAUTH['REAUTHENTICATION_URL']}?{urlencode({'next': way_back})}"


def see_other(name: str, *args: Any) -> HttpResponse:
    """Redirects to a page after a form was processed (303)."""
    answer = HttpResponseRedirect(reverse(name, args=args))
    answer.status_code = 303
    return answer


def prove_it(way_back: str) -> HttpResponse:
    """Sends the user to log in again, and then back."""
    answer = HttpResponseRedirect(reauthentication_url(way_back))
    answer.status_code = 303
    return answer
