"""Who is at the browser: what they may see, and whether they have just proven who they are."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from django.utils.module_loading import import_string

from banking.models import Account
from banking.models.account import AccountQuerySet

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """For who is logged in, and kept by no cache."""

    @login_required
    @wraps(view)
    def private(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = view(request, *args, **kwargs)
        answer["Cache-Control"] = "private, no-store"
        return answer

    return private


def id_of(request: HttpRequest) -> UUID:
    person: Any = request.user
    return UUID(str(person.pk))


def accounts_of(request: HttpRequest, *, may_pay: bool = False) -> AccountQuerySet:
    """Each with the person's `role`."""
    found = Account.objects.of(id_of(request), may_pay=may_pay)
    return found.annotate(role=F("access__role")).order_by("opened_at", "id")


def account_or_404(request: HttpRequest, account_id: UUID) -> Account:
    account = accounts_of(request).filter(pk=account_id).first()
    if account is None:
        raise Http404
    return account


def is_fresh(request: HttpRequest) -> bool:
    """As RFC 9470 asks of tokens, so of people at the browser."""
    logged_in_at = import_string(settings.BANK_LOGGED_IN_AT)(request)
    return bool(timezone.now() - logged_in_at <= settings.STEP_UP_MAX_AGE)


def reauthentication_url(way_back: str) -> str:
    return f"{settings.OAUTH['REAUTHENTICATION_URL']}?{urlencode({'next': way_back})}"


def prove_it(way_back: str) -> HttpResponse:
    answer = HttpResponseRedirect(reauthentication_url(way_back))
    answer.status_code = 303
    return answer
