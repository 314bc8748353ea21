"""Rates and exchanges for tests."""

import json
from decimal import Decimal

from banking import exchanges
from banking.models import ExchangeRate
from banking.payments import Payer


def set_rate(base="GBP", counter="EUR", mid="1.17", spread="0.5") -> ExchangeRate:
    return exchanges.set_rate(base, counter, mid=Decimal(mid), spread_percent=Decimal(spread), reason="Test")


def payer(user, client_id="client-of-the-tests", is_proven=True, details=()) -> Payer:
    return Payer(user_id=user.pk, client_id=client_id, is_proven=is_proven, details=details)


def quote_of(user, source, destination, amount_minor=1000, currency="GBP", **asked):
    return exchanges.quote(exchanges.Wanted(source.pk, destination.pk, amount_minor, currency), payer(user, **asked))


def exchanged(user, source, destination, amount_minor=1000, currency="GBP"):
    made = quote_of(user, source, destination, amount_minor, currency)
    return exchanges.exchange(made.pk, payer(user), key=f"key of {made.pk}", fingerprint=b"")


def ask_quote(api, source, destination, amount_minor=1000, currency="GBP"):
    body = {
        "source_account_id": str(getattr(source, "pk", source)),
        "destination_account_id": str(getattr(destination, "pk", destination)),
        "amount": {"currency": currency, "minor_units": amount_minor},
    }
    return api.post("/api/v1/exchange-quotes", json.dumps(body), content_type="application/json")


def take(api, quote_id, key="0123456789abcdef"):
    body = json.dumps({"quote_id": str(quote_id)})
    headers = {"Idempotency-Key": key} if key else {}
    return api.post("/api/v1/exchanges", body, content_type="application/json", headers=headers)
