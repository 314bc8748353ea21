"""Money and messages: payments by tokens, and the content of webhook messages."""

import json
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from banking import ledger, payments, webhooks
from banking.models import Webhook, WebhookDelivery
from oauth.infrastructure import outbound
from tests.model import wire, world
from tests.model.moves import move
from tests.model.oracle import Access, Allowed, Details, Payment, payable, readable, told_of_transfers
from tests.model.requests import numbers
from tests.model.stage import Stage

EVENTS = {"transaction.booked": "transactions:read", "transfer.updated": "transfers:read"}


def _told(event: str, details: Details, own: frozenset[str]) -> frozenset[str]:
    if event == "transfer.updated":
        return told_of_transfers(details, own)
    return readable(details, "transactions", own)


class Money(Stage):
    @move(2, when=lambda self: self.tokens("transfers:write"), number=numbers, source=numbers, destination=numbers)
    def pay(self, number: int = 0, source: int = 0, destination: int = 1) -> None:
        """Pays between the user's own accounts, or makes a payment that the user allowed."""
        token: Access | None = self.pick(self.tokens("transfers:write"), number)
        if token is None or token.allowed is None:
            return
        body, why = self.order(token, source, destination)
        self.tell(f"{token.app} pays by {token}")
        answer = self.send(token, body, key=f"paid-by-the-model-{len(self.story)}")
        if answer.status_code != 201:
            self.add(f"refused ({answer.json().get('code')})")
            return
        if why:
            self.fail(f"{token} moved money although {why}")
        self.add("paid")
        if payment := self._payment(token.details):
            payment.is_used, payment.transfer_id = True, answer.json()["id"]

    def order(self, token: Access, source: int, destination: int) -> tuple[dict[str, Any], str]:
        """Returns the body of a transfer by this token, and why it must be refused; empty if the transfer is
        allowed.
        """
        assert token.allowed is not None
        user, payment = token.allowed.user, self._payment(token.details)
        own = sorted(self.model.accounts[user])
        taken_from = payment.source if payment else own[source % len(own)]
        body = {
            "source_account_id": taken_from,
            "destination": {"account_id": own[destination % len(own)]},
            "amount": {"currency": "GBP", "minor_units": 1},
            "reference": "from here to there",
        }
        if payment:
            creditor = {"scheme": "iban", "identifier": payment.creditor_iban, "name": payment.creditor_name}
            body |= {"destination": creditor, "reference": payment.reference}
        return body, self._why_not_paid(token, taken_from, payment)

    def send(self, token: Access, body: Any, *, key: str, is_rehearsal: bool = False) -> Any:
        path = "/api/v1/transfers" + ("?dry_run=true" if is_rehearsal else "")
        return wire.call(token.value, "POST", path, key=token.key, body=body, **{"Idempotency-Key": key})

    def _payment(self, details: Details) -> Payment | None:
        """Returns an allowed payment that was not made yet, otherwise one that was made."""
        payments = [one for one in details if isinstance(one, Payment)]
        return next((one for one in payments if not one.is_used), payments[-1] if payments else None)

    def _why_not_paid(self, token: Access, source: str, payment: Payment | None) -> str:
        assert token.allowed is not None
        if why := self.model.why_dead(token, self.now):
            return why
        if taken := self.model.taken(token):
            return f"{sorted(taken)} was taken from its client"
        if "transfers:write" not in token.scopes or world.API not in token.resources:
            return "it is not for payments"
        if source not in self.model.payable[token.allowed.user]:
            return "the user may not pay from there"
        if source in self.model.frozen:
            return "the account is frozen"
        if source not in payable(token.details, self.model.accounts[token.allowed.user]):
            return "the user did not pick the account"
        if payment and payment.is_used:
            return "the user allowed it once"
        return ""

    # --- webhooks

    def _not_told(self) -> list[Access]:
        """Returns tokens of confidential clients that may register a webhook, of authorizations that have no webhook
        yet.
        """
        tokens = self.tokens("webhooks:manage")
        return [one for one in tokens if one.allowed and not one.allowed.is_told and not self.apps[one.app].is_public]

    @move(8, when=lambda self: self._not_told(), number=numbers)
    def subscribe(self, number: int = 0) -> None:
        token: Access | None = self.pick(self._not_told(), number)
        if token is None or token.allowed is None:
            return
        self.tell(f"{token.app} wants to be told what happens, by {token}")
        events = [event for event, scope in EVENTS.items() if scope in token.scopes]
        body = {"url": "https://hooks.example/bank", "events": events}
        answer = wire.call(token.value, "POST", "/api/v1/webhooks", key=token.key, body=body)
        if answer.status_code != 201:
            self.add(f"refused ({answer.status_code})")
            return
        if why := self.model.why_dead(token, self.now):
            self.fail(f"{token} subscribed although {why}")
        self.add("subscribed")
        token.allowed.is_told = True

    @move(8, when=lambda self: self.told(), number=numbers, account=numbers, is_sent=st.booleans())
    def something_happens(self, number: int, account: int, is_sent: bool) -> None:
        """Something happens at an account whose user has an app with webhooks."""
        told: Allowed = self.pick(self.told(), number)
        shared = readable(told.details, "transactions", self.model.accounts[told.user])
        ids = sorted(shared or self.model.accounts[told.user])
        self.receive(next(name for name, one in self.world.accounts.items() if str(one.pk) == ids[account % len(ids)]))
        if is_sent:
            self.deliver()

    def receive(self, name: str = "everyday") -> None:
        """Carol makes a payment, which webhooks report."""
        source, destination = self.world.accounts["carols"], self.world.accounts[name]
        if source == destination:
            destination = self.world.accounts[name := "carols savings"]
        self.world.users["carol"].refresh_from_db()
        if not self.world.users["carol"].is_active:
            return
        self.tell(f"carol pays into {name}")
        order = payments.PaymentOrder(
            user_id=self.world.users["carol"].pk, client_id="", key=f"carol-pays-{len(self.story)}", source=source,
            destination=destination, payee_name="Somebody", payee_iban=destination.iban or "", amount_minor=1,
            currency="GBP", reference="as agreed",
        )  # fmt: skip
        ledger.in_transaction(lambda: payments.make(order))

    @move(2, when=lambda self: self.told())
    def deliver(self) -> None:
        """The worker sends the waiting messages."""
        waiting = list(
            WebhookDelivery.objects.filter(status="pending").select_related("webhook").order_by("created_at", "pk")
        )
        if not waiting:
            return
        self.tell(f"the bank sends {len(waiting)} messages")
        for delivery in waiting:
            sent: list[dict[str, Any]] = []

            def answer(method: str, url: str, *, body: str, sent: Any = sent, **_: Any) -> outbound.Answer:
                sent.append(json.loads(body))
                return outbound.Answer(200, "", b"")

            with mock.patch("banking.webhooks.delivery.outbound.request", answer):
                webhooks.deliver(delivery.pk)
            for message in sent:
                self._check_message(delivery.webhook, message)

    def _check_message(self, hook: Webhook, message: dict[str, Any]) -> None:
        """A message may contain only what the user allows now."""
        event = message["type"]
        if event not in EVENTS:
            return
        allowed = next((one for one in self.model.allowed if one.grant_id == str(hook.authorization_id)), None)
        why = "nobody allowed it" if allowed is None else self.model.why_ended(allowed, self.now)
        if allowed is not None and not why:
            own = self.model.accounts[allowed.user]
            if EVENTS[event] not in allowed.scopes:
                why = f"{EVENTS[event]} is no longer allowed"
            elif message["data"]["account_id"] not in _told(event, allowed.details, own):
                # The exception is a transfer that the user allowed as a single transfer.
                single = [one.transfer_id for one in allowed.details if isinstance(one, Payment)]
                if message["data"].get("transfer_id") not in single:
                    why = "the user does not share this account with it"
        if why:
            self.fail(f"{event} was sent although {why}")
        self.add("sent")
