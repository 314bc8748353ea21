"""POST /exchange-quotes, GET /exchange-quotes/{id}, GET and POST /exchanges, GET /exchanges/{id}."""

from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.http import Http404
from django.urls import get_script_prefix

from banking import exchanges
from banking.api.cursors import PAGE, Page
from banking.api.fields import StrictSerializer, StrictUUIDField
from banking.api.money import AmountToPaySerializer, money
from banking.api.operation import operation
from banking.api.payment_views import CreateOnce, payer_of
from banking.api.problems import ProblemResponse
from banking.api.representations import Exchange, ExchangeQuote, PageOf
from banking.api.responses import Created, Ok
from banking.api.transactions import readable
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.consents.history import histories
from banking.exchanges.rates import mid_rate
from banking.ledger import in_transaction
from banking.models import Account
from banking.models import Exchange as ExchangeRow
from banking.models import ExchangeQuote as QuoteRow
from banking.notation.timestamps import timestamp
from banking.payments.idempotency import IdempotentRequest
from oauth.infrastructure.rate_limits import Limit
from oauth.resource_server import TokenRequest

_REFUSALS = {
    409: (
        "The exchange can no longer be made: the quote has expired or was used, the rate has changed, or an account "
        "is not open."
    ),
    422: "The bank refuses the exchange (funds, currencies, accounts), or the key was used for another body.",
}


class NewQuoteSerializer(StrictSerializer):
    source_account_id = StrictUUIDField()
    destination_account_id = StrictUUIDField()
    amount = AmountToPaySerializer()


class NewExchangeSerializer(StrictSerializer):
    quote_id = StrictUUIDField()


class QuoteList(BankView):
    tag = "Exchange"
    required_scopes = {"POST": ["transfers:write"]}
    bodies = {"POST": NewQuoteSerializer}
    limit = Limit("exchange-quotes", 60)

    @operation(
        "Quote an exchange",
        refusals={
            409: "An account is not open.",
            422: "The bank does not make this exchange, because of the currencies, the accounts or the amount.",
        },
    )
    def post(self, request: TokenRequest) -> Created[ExchangeQuote]:
        """An offer of the bank. This app can use it once, until `expires_at`. No money is held for it.

        An `amount` in the currency of the source account is the amount to sell; in the currency of the destination
        account, it is the amount to buy. The bank computes the other amount, and rounds it in its favor by less than
        one minor unit.
        """
        body = self.body(request)
        wanted = exchanges.Wanted(
            source_id=UUID(str(body["source_account_id"])),
            destination_id=UUID(str(body["destination_account_id"])),
            amount_minor=body["amount"]["minor_units"],
            currency=body["amount"]["currency"],
        )
        quote = in_transaction(lambda: exchanges.quote(wanted, payer_of(request)))
        return Created(_quote(quote, None), location=f"{get_script_prefix()}api/v1/exchange-quotes/{quote.pk}")


class QuoteDetail(BankView):
    tag = "Exchange"
    required_scopes = {"GET": ["transfers:read"]}

    @operation("Read a quote")
    def get(self, request: TokenRequest, quote_id: str) -> Ok[ExchangeQuote]:
        """The quote, which must be of this user and this app. A quote that was not used is deleted after 30 days."""
        seen = Account.objects.visible_to(request.token, "transfers").values("pk")
        quotes = QuoteRow.objects.filter(
            user_id=user_or_404(request), client_id=request.claims.client_id, source__in=seen, destination__in=seen
        )
        found = quotes.select_related("of_rate").annotate(used_by=F("exchange__id"))
        quote = found.filter(pk=uuid_or_404(quote_id)).first()
        if quote is None:
            raise Http404
        return Ok(_quote(quote, quote.used_by))


class _ExchangeView(CreateOnce):
    tag = "Exchange"
    model = ExchangeRow
    collection = "exchanges"
    fields = (
        "id", "quote_id", "quote__source_id", "quote__destination_id", "quote__sell_currency", "quote__sell_minor",
        "quote__buy_currency", "quote__buy_minor", "quote__rate", "sold_id", "bought_id", "created_at",
    )  # fmt: skip

    @staticmethod
    def represent(row: dict[str, Any]) -> Exchange:
        return {
            "id": row["id"],
            "quote_id": row["quote_id"],
            "source_account_id": row["quote__source_id"],
            "destination_account_id": row["quote__destination_id"],
            "sell": money(row["quote__sell_currency"], row["quote__sell_minor"]),
            "buy": money(row["quote__buy_currency"], row["quote__buy_minor"]),
            "rate": _plain(row["quote__rate"]),
            "transaction_ids": [row["sold_id"], row["bought_id"]],
            "created_at": timestamp(row["created_at"]),
        }

    def visible(self, request: TokenRequest) -> QuerySet[ExchangeRow]:
        """The exchanges of which the token may read both accounts, as far back as the user allowed."""
        made = _between(Account.objects.visible_to(request.token, "transfers"))
        for accounts, since in histories(request.claims.authorization_details):
            about = Q(quote__source__in=accounts) | Q(quote__destination__in=accounts) if accounts else Q()
            made = made.exclude(Q(created_at__lt=since) & about)
        return made

    def payable(self, request: TokenRequest) -> QuerySet[ExchangeRow]:
        return _between(Account.objects.payable_by(request.token))


class ExchangeList(_ExchangeView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}
    query_parameters = {"GET": PAGE}
    bodies = {"POST": NewExchangeSerializer}

    @operation("List exchanges")
    def get(self, request: TokenRequest) -> Ok[PageOf[Exchange]]:
        """Newest first. Exchanges older than 90 days need a user who has just logged in (RFC 9470)."""
        page = Page(request, "exchanges")
        rows = list(page.newest_first(self.visible(request).values(*self.fields)))
        recent = readable(request, rows, at="created_at")
        listed = [self.represent(row) for row in recent]
        return Ok(page.envelope(listed, key="id", is_cut=len(recent) < len(rows)))

    @operation("Exchange as quoted", refusals=_REFUSALS)
    def post(self, request: TokenRequest) -> Created[Exchange] | ProblemResponse:
        """Made exactly once per Idempotency-Key, and once per quote. Both halves are booked together; the transactions
        of the two accounts have the same `exchange_id`. A large amount, or a large sum of 24 hours, needs a user who
        has just logged in (RFC 9470).
        """
        return self.created_once(request, self.body(request))

    def create(self, request: TokenRequest, body: dict[str, Any], idempotent: IdempotentRequest) -> Exchange:
        quote_id = UUID(str(body["quote_id"]))
        done = exchanges.exchange(quote_id, payer_of(request), key=idempotent.key, fingerprint=idempotent.fingerprint)
        return self.represent(ExchangeRow.objects.values(*self.fields).get(pk=done.pk))


class ExchangeDetail(_ExchangeView):
    required_scopes = {"GET": ["transfers:read"]}

    @operation("Read an exchange")
    def get(self, request: TokenRequest, exchange_id: str) -> Ok[Exchange]:
        row = self.visible(request).filter(pk=uuid_or_404(exchange_id)).values(*self.fields).first()
        if row is None:
            raise Http404
        readable(request, [row], at="created_at")
        return Ok(self.represent(row))


def _between(accounts: QuerySet[Account]) -> QuerySet[ExchangeRow]:
    keys = accounts.values("pk")
    return ExchangeRow.objects.filter(quote__source__in=keys, quote__destination__in=keys)


def _quote(quote: QuoteRow, exchange_id: UUID | None) -> ExchangeQuote:
    return {
        "id": quote.pk,
        "source_account_id": quote.source_id,
        "destination_account_id": quote.destination_id,
        "sell": money(quote.sell_currency, quote.sell_minor),
        "buy": money(quote.buy_currency, quote.buy_minor),
        "rate": _plain(quote.rate),
        "mid_rate": _plain(mid_rate(quote)),
        "spread_percent": _plain(quote.of_rate.spread_percent),
        "created_at": timestamp(quote.created_at),
        "expires_at": timestamp(quote.expires_at),
        "exchange_id": exchange_id,
    }


def _plain(number: Any) -> str:
    return f"{number.normalize():f}"
