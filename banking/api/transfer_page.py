"""A page of GET /transfers.

No index finds text or amounts, so a page with such a filter examines at most MOST_EXAMINED transfers of each account.
It may then have fewer rows than requested, or none, and still have a cursor. Transfers older than 90 days are examined
only after a fresh login (RFC 9470): otherwise a filter would reveal whether an old transfer matches it.
"""

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from banking.accounts.history import recent_since
from banking.api.cursors import Page
from banking.api.transfer_filters import TransferFilters
from banking.consents.history import histories
from banking.models import Transfer
from banking.models.account_queryset import AccountQuerySet
from banking.models.transfer import TransferQuerySet
from banking.payments.newest_transfers import Span, first_id_of
from oauth.resource_server import TokenRequest, is_authenticated_since, require_authentication

MOST_EXAMINED = 2_000


def rows_of_page(
    request: TokenRequest,
    filters: TransferFilters,
    page: Page,
    accounts: AccountQuerySet,
    single: QuerySet[Transfer] | None,
) -> tuple[TransferQuerySet, str | None]:
    """The transfers of these accounts, newest first, of which the page needs the first limit + 1; and the position of
    the next page if this one is not full. `single` are the transfers that the token may read because the user consented
    to exactly that transfer. Raises InsufficientUserAuthentication if all requested transfers are too old.
    """
    span = Span(
        accounts,
        histories=tuple(histories(request.claims.authorization_details)),
        since=filters.since,
        until=filters.until,
        before=None if page.after is None else UUID(page.after),
    )
    goes_on_at = None
    if filters.is_by_content:
        span, goes_on_at = _examined(request, filters, span)
    newest = span.newest(filters.of, page.limit + 1)
    if single is not None:
        allowed = filters.of(span.narrowed(single))
        newest = Transfer.objects.filter(pk__in=[one.pk for one in (*newest.only("pk"), *allowed.only("pk"))])
    return newest.order_by("-pk"), goes_on_at


def _examined(request: TokenRequest, filters: TransferFilters, span: Span) -> tuple[Span, str | None]:
    goes_on_at = None
    if not is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE):
        recent = recent_since()
        first = first_id_of(recent)
        if replace(span, before=min(filter(None, (span.before, first)))).has_any():
            is_old = span.before is not None and span.before <= first
            if is_old or (span.until is not None and span.until <= recent):
                require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)
            span, goes_on_at = replace(span, first=first), str(first)
    if filters.is_searched and (deepest := span.id_at(MOST_EXAMINED)) is not None:
        return replace(span, first=deepest), str(deepest)
    return span, goes_on_at
