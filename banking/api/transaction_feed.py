"""GET /transactions: the booked transactions of all accounts of the token, oldest first, so that an app can copy them
without loss.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from banking.accounts.feed import Next, next_of, starts
from banking.accounts.history import FIELDS, needs_fresh_login
from banking.accounts.merchants import with_merchant
from banking.api.content_filters import CONTENT, FROM
from banking.api.cursors import LIMIT, Page, cursor_of
from banking.api.operation import operation
from banking.api.problems import Conflict
from banking.api.representations import Transaction, TransactionFeed
from banking.api.responses import Ok
from banking.api.transaction_filters import Filters
from banking.api.transactions import represent
from banking.api.views import BankView, user_or_404
from banking.consents.history import history_of_account
from banking.models import Account, LedgerEntry
from banking.models.account_queryset import user_id_of
from oauth.infrastructure import replica
from oauth.resource_server import TokenRequest, is_authenticated_since, require_authentication

#: The cursor holds a number for each account, and must fit in a URL.
MOST_ACCOUNTS = 100
MAX_CURSOR_CHARACTERS = 6_000
#: The maximum number of entries that a page with filters examines.
MOST_EXAMINED = 1_000
_CURSOR = cursor_of(MAX_CURSOR_CHARACTERS)
_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)


class TransactionFeedView(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["transactions:read"]}
    query_parameters = {"GET": (LIMIT, _CURSOR, FROM, *CONTENT)}

    @operation("Follow all transactions", refusals={409: f"The token has more than {MOST_ACCOUNTS} accounts."})
    def get(self, request: TokenRequest) -> Ok[TransactionFeed]:
        """Booked transactions of all accounts, oldest first. Keep `next_cursor`: a transaction that is booked later
        comes after it, exactly once. Begin with `from`; transactions older than 90 days need a user who has just logged
        in (RFC 9470). `from` also applies to an account that the user adds later.

        A page with filters examines 1,000 transactions at most. It may have fewer rows than `limit`, or none; continue
        at once as long as `has_more` is true.
        """
        page = Page(request, f"feed|{Filters.named_in(request)}", cursor=_CURSOR)
        filters = Filters.from_request(request)
        since = _allowed_since(request, filters.since)
        positions = _positions(page.after, since)
        examined = MOST_EXAMINED if filters.is_by_content else page.limit + 1
        following, has_more, found = replica.read(
            user_id_of(request.token), lambda alias: _following(filters, positions, since, examined, alias)
        )
        if any(needs_fresh_login(entry.booked_at) for entry in following) and not is_authenticated_since(
            request.token, max_age=settings.STEP_UP_MAX_AGE
        ):
            require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)
        rows = {row["pk"]: row for row in found}
        data: list[Transaction] = []
        for entry in following:
            if entry.pk in rows and len(data) == page.limit:
                has_more = True
                break
            if entry.pk in rows:
                data.append(represent(rows[entry.pk]))
            positions[entry.account_id] = entry.account_seq
        return Ok({"data": data, "next_cursor": page.cursor(_written(positions)), "has_more": has_more})


def _allowed_since(request: TokenRequest, since: datetime | None) -> dict[UUID, datetime]:
    """For each account, the time since which the app wants and may read its entries. Raises Conflict if there are too
    many accounts.
    """
    user_or_404(request)
    accounts = Account.objects.visible_to(request.token, "transactions").order_by("pk").values_list("pk", flat=True)
    found = list(accounts[: MOST_ACCOUNTS + 1])
    if len(found) > MOST_ACCOUNTS:
        detail = f"The feed has at most {MOST_ACCOUNTS} accounts. Read each account's transactions with after_seq."
        raise Conflict("too_many_accounts", detail)
    details = request.claims.authorization_details
    return {pk: max(filter(None, (since, history_of_account(details, pk))), default=_LONG_AGO) for pk in found}


def _positions(cursor: str | None, since: dict[UUID, datetime]) -> dict[UUID, int]:
    """The position of the feed in each account of the token. For an account that the cursor does not contain, the feed
    begins with the first entry that the app may read.
    """
    known = {} if cursor is None else _read(cursor)
    new = {pk: at for pk, at in since.items() if pk not in known and at != _LONG_AGO}
    started = starts(new) if new else {}
    return {pk: known.get(pk, started.get(pk, 0)) for pk in since}


def _following(
    filters: Filters, positions: dict[UUID, int], since: dict[UUID, datetime], examined: int, alias: str
) -> tuple[list[Next], bool, list[dict[str, Any]]]:
    """The next entries, whether there may be more, and the rows that match. All must come from the same database;
    otherwise a reader could skip entries that one of the databases lacks.
    """
    following, has_more = next_of(positions, since, examined, using=alias)
    return following, has_more, _rows(filters, [entry.pk for entry in following], alias)


def _rows(filters: Filters, keys: list[int], alias: str) -> list[dict[str, Any]]:
    """The rows that match the filters. One query; none without keys."""
    entries = filters.entries(LedgerEntry.objects.using(alias).filter(pk__in=keys))
    return list(with_merchant(entries).values("pk", *FIELDS, "merchant")) if keys else []


def _written(positions: dict[UUID, int]) -> str:
    return ",".join(f"{pk.hex}{number:x}" for pk, number in positions.items())


def _read(cursor: str) -> dict[UUID, int]:
    return {UUID(one[:32]): int(one[32:], 16) for one in cursor.split(",") if one}
