"""Bodies of transfers, and their requests to the API."""

import json
from datetime import timedelta

from django.utils import timezone

from banking.models import Account, Consent

KEY = "0123456789abcdef"
UNKNOWN = "0190d5a0-0000-7000-8000-000000000000"
ELSEWHERE = {"scheme": "iban", "identifier": "DE89 3704 0044 0532 0130 00", "name": "Dora Demir"}


def body_of(source, destination, amount_minor=2500, currency="GBP", **members):
    to = {"account_id": str(destination.pk)} if isinstance(destination, Account) else destination
    return {
        "source_account_id": str(getattr(source, "pk", source)),
        "destination": to,
        "amount": {"currency": currency, "minor_units": amount_minor},
        "reference": "Rent",
        **members,
    }


def send(api, body, key=KEY):
    headers = {"Idempotency-Key": key} if key is not None else {}
    raw = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return api.post("/api/v1/transfers", raw, content_type="application/json", headers=headers)


def order(api, source, destination, key=KEY, amount_minor=1000, **when):
    """Sends a payment order. Without `when`, it is due on the first day of the next month."""
    next_month = (timezone.now().date().replace(day=1) + timedelta(days=31)).replace(day=1)
    given = {"first_on": next_month.isoformat(), "frequency": "once", **when}
    body = body_of(source, destination, amount_minor, **given)
    headers = {"Idempotency-Key": key}
    return api.post("/api/v1/scheduled-transfers", json.dumps(body), content_type="application/json", headers=headers)


def detail_of_a_transfer(user, source, creditor, amount_minor):
    """The authorization details of a token whose user has consented to one transfer (RFC 9396 §2)."""
    consent = Consent.objects.create(user=user, client_id="client-of-the-tests", type="transfer", detail={})
    return {
        "type": "transfer", "identifier": str(consent.pk), "debtor_account": str(source.pk), "creditor": creditor,
        "instructed_amount": {"currency": "GBP", "minor_units": amount_minor}, "reference": "Rent",
    }  # fmt: skip
