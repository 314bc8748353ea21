"""Direct debits: collected by a mandate, once per message, and never after its user cancelled it."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from banking import direct_debits, ledger, oversight
from banking.account_life import dormancy
from banking.account_life.access import end_access
from banking.account_life.closing import close
from banking.account_life.functions import call
from banking.ledger import audit
from banking.models import Account, AccountAccess, Mandate, SchemeMessage, WebhookDelivery
from banking.payments.messages import DifferentMessage, MalformedMessage
from banking.payments.scheme import IncomingCollection, NewMandate
from tests.lib.bank_notices import sent_notices
from tests.lib.database import within_this_transaction
from tests.lib.ledger import FUNDS_MINOR, balances
from tests.lib.registered import make_user
from tests.lib.staff import officer
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _audited():
    yield
    if not connection.needs_rollback:
        assert [one.question for one in audit() if not one.is_clean] == []


@pytest.fixture
def app(access_token, api, alice):
    return api(access_token(alice, "direct-debits:read direct-debits:write transactions:read"))


@pytest.fixture
def mandate(current):
    return lodged(current)


def lodged(account, reference="CP-1", **members):
    iban = getattr(account, "iban", account)
    return direct_debits.receive_mandate(
        NewMandate("DE98ZZZ09999999999", reference, "City Power", "DE89370400440532013000", iban, **members)
    )


def collected(amount_minor=4500, message_id="c-1", reference="CP-1", currency="GBP"):
    return direct_debits.receive_collection(
        IncomingCollection(message_id, "DE98ZZZ09999999999", reference, amount_minor, currency)
    )


def test_a_creditor_collects_once_per_message(app, current, mandate):
    first = collected()
    assert (first.status, collected().pk, balances(current)) == ("done", first.pk, [FUNDS_MINOR - 4500])
    [shown, _] = app.get(f"/api/v1/accounts/{current.pk}/transactions").json()["data"]
    assert (shown["kind"], shown["direction"], shown["counterparty"]["name"]) == ("direct_debit", "out", "City Power")
    [one] = app.get("/api/v1/direct-debits").json()["data"]
    assert (one["last_collected"], one["status"], one["sequence"]) == (
        {"currency": "GBP", "minor_units": 4500}, "active", "recurring",
    )  # fmt: skip
    assert one["creditor"] == {"name": "City Power", "identifier_masked": "DE••••••••••••••••3000"}
    assert app.get(f"/api/v1/direct-debits/{mandate.pk}").json() == one
    assert Account.objects.get(kind="internal", name__startswith="Direct debits").posted_minor == 4500


def test_a_collection_that_differs_under_its_id_is_refused(mandate, current):
    collected()
    with pytest.raises(DifferentMessage):
        collected(4600)
    assert balances(current) == [FUNDS_MINOR - 4500]


def refusal(message):
    assert message.transaction is None
    return message.status, message.reason_code


def test_nothing_is_collected_without_a_mandate_or_money(mandate, current):
    assert refusal(collected(reference="CP-2")) == ("refused", "MD01")
    assert refusal(collected(FUNDS_MINOR + 1, "c-2")) == ("refused", "AM04")
    assert refusal(collected(message_id="c-3", currency="EUR")) == ("refused", "AC09")
    assert balances(current) == [FUNDS_MINOR]


def test_a_refusal_is_final(mandate, current, savings):
    """The same message gets the same answer, whatever has changed since."""
    assert refusal(collected(FUNDS_MINOR + 1)) == ("refused", "AM04")
    ledger.post([(Account.objects.get(name="Clearing"), -500), (current, 500)], description="x", kind="x")
    assert refusal(collected(FUNDS_MINOR + 1)) == ("refused", "AM04")
    assert collected(FUNDS_MINOR + 1, "c-2").status == "done"


@pytest.mark.parametrize(
    ("what", "code"), [("frozen", "AC06"), ("disabled", "AC06"), ("dormant", "AC06"), ("closed", "AC04")]
)
def test_nothing_is_collected_from_an_account_that_may_not_pay(mandate, alice, current, savings, what, code):
    if what == "frozen":
        oversight.freeze(current.pk, by=oversight.Officer(officer("first", "freeze_account")), reason="x")
    elif what == "closed":
        ledger.post([(current, -FUNDS_MINOR), (savings, FUNDS_MINOR)], description="x", kind="x")
        Account.objects.filter(pk=current.pk).update(status="closed")
    elif what == "dormant":
        Account.objects.filter(pk=current.pk).update(dormant_since=timezone.now())
    else:
        alice.is_active = False
        alice.save(update_fields=["is_active"])
    before = balances(current, savings)
    assert refusal(collected()) == ("refused", code)
    assert balances(current, savings) == before


def test_what_the_user_cancelled_stays_cancelled(app, current, mandate):
    cancelled = app.post(f"/api/v1/direct-debits/{mandate.pk}/cancel", {}, format="json")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = app.post(f"/api/v1/direct-debits/{mandate.pk}/cancel", {}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "direct_debit_not_active")
    assert refusal(collected()) == ("refused", "MD01")
    assert lodged(current).status == "cancelled"
    assert refusal(collected(message_id="c-2")) == ("refused", "MD01")
    with pytest.raises(IntegrityError, match="is fixed"), transaction.atomic():
        Mandate.objects.filter(pk=mandate.pk).update(status="active", cancelled_at=None)


@pytest.mark.django_db(transaction=True)
def test_cancelling_and_collecting_at_once_run_one_after_the_other(mandate, current):
    among = Mandate.objects.all()
    in_parallel(
        *[lambda number=number: collected(10, f"c-{number}") for number in range(4)],
        lambda: ledger.in_transaction(lambda: direct_debits.cancel(mandate.pk, among=among)),
        *[lambda: collected(10, "c-0")] * 3,
    )
    done = SchemeMessage.objects.filter(status="done").count()
    assert balances(current) == [FUNDS_MINOR - 10 * done]
    assert SchemeMessage.objects.count() == 4
    assert refusal(collected(10, "late")) == ("refused", "MD01")


def test_a_mandate_for_once_is_collected_once(current):
    mandate = lodged(current, sequence="one_off")
    assert [collected().status, refusal(collected(message_id="c-2"))] == ["done", ("refused", "MD01")]
    mandate.refresh_from_db()
    assert mandate.status == "completed"


def test_the_creditor_gives_it_up(mandate):
    for _ in range(2):
        assert direct_debits.receive_cancellation(mandate.creditor_id, mandate.reference).status == "cancelled"
    assert direct_debits.receive_cancellation("x", "y") is None


def test_a_mandate_is_of_one_account(mandate, current, savings):
    assert lodged(current).pk == mandate.pk
    with pytest.raises(DifferentMessage):
        lodged(savings)
    for wrong in ({"sequence": "often"}, {"reference": "a b"}):
        with pytest.raises(MalformedMessage):
            lodged(current, **wrong)
    with pytest.raises(MalformedMessage):
        lodged("GB33BUKB20201555555555", "CP-9")
    for change in ({"account": savings}, {"creditor_name": "x"}):
        with pytest.raises(IntegrityError, match="is fixed"), transaction.atomic():
            Mandate.objects.filter(pk=mandate.pk).update(**change)


def test_everybody_who_holds_the_account_is_told(alice, bob, current):
    """Users who may only pay or view are not notified."""
    for role in ("delegate", "reader"):
        AccountAccess.objects.create(account=current, user=make_user(f"{role}@example.test", role), role=role)
    AccountAccess.objects.create(account=current, user=bob, role="holder")
    lodged(current)
    assert sent_notices("new_direct_debit") == {alice.email, bob.email}
    collected(FUNDS_MINOR + 1)
    assert sent_notices("direct_debit_refused") == {alice.email, bob.email}
    assert [one.subject for one in mail.outbox] == ["New direct debit"] * 2 + ["Direct debit not paid"] * 2
    assert "City Power" in mail.outbox[0].body
    assert "/bank/direct-debits" in mail.outbox[0].body


def test_apps_hear_of_it(issued, web_app, api, current, settings):
    """The app needs the scope. Without it, an app cannot subscribe to the event."""
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": ["app.example:8000"]}
    web_app.allowed_scopes = ["webhooks:manage", "direct-debits:read"]
    web_app.save()
    body = {"url": "http://app.example:8000/hook", "events": ["direct_debit.updated"]}
    without = api(issued(web_app, scope="webhooks:manage")["access_token"])
    assert without.post("/api/v1/webhooks", body, format="json").status_code == 403
    app = api(issued(web_app, scope="webhooks:manage direct-debits:read")["access_token"])
    assert app.post("/api/v1/webhooks", body, format="json").status_code == 201
    mandate = lodged(current)
    collected(FUNDS_MINOR + 1)
    collected(1, "c-2")
    told = WebhookDelivery.objects.filter(event="direct_debit.updated")
    assert [one.resource_id for one in told] == [mandate.pk] * 3


def test_the_user_cancels_it_on_a_page(client, alice, bob, mandate):
    AccountAccess.objects.create(account=mandate.account, user=bob, role="reader")
    client.force_login(bob)
    assert "City Power" in (page := client.get("/bank/direct-debits").content.decode())
    assert "cancel" not in page.partition("<h1>")[2].partition("</section>")[0]
    assert client.post(f"/bank/direct-debits/{mandate.pk}/cancel").status_code == 404
    client.force_login(alice)
    assert f"/bank/direct-debits/{mandate.pk}/cancel" in client.get("/bank/direct-debits").content.decode()
    assert client.post(f"/bank/direct-debits/{mandate.pk}/cancel").status_code == 303
    mandate.refresh_from_db()
    assert mandate.status == "cancelled"
    client.post(f"/bank/direct-debits/{mandate.pk}/cancel")
    assert "was cancelled" in client.get("/bank/direct-debits").content.decode()


def test_an_active_one_is_on_the_page_however_many_have_ended_since(client, alice, mandate, current, monkeypatch):
    monkeypatch.setattr("banking.web.direct_debits.MOST", 2)
    for number in range(3):
        lodged(current, f"ONCE-{number}")
        direct_debits.receive_cancellation("DE98ZZZ09999999999", f"ONCE-{number}")
    client.force_login(alice)
    assert f"/bank/direct-debits/{mandate.pk}/cancel" in client.get("/bank/direct-debits").content.decode()


def test_mandates_end_with_their_account_and_not_with_an_access(alice, bob, current, savings):
    """They belong to the account, not to the user who gave them."""
    ongoing = lodged(savings)
    of_joint = lodged(current, "CP-2")
    AccountAccess.objects.create(account=current, user=bob, role="holder")
    end_access(current.pk, bob.pk, by=alice.pk)
    of_joint.refresh_from_db()
    assert of_joint.status == "active"
    ledger.post([(current, -FUNDS_MINOR), (savings, FUNDS_MINOR)], description="x", kind="x")
    close(current.pk, by=alice.pk, is_proven=True)
    of_joint.refresh_from_db()
    ongoing.refresh_from_db()
    assert (of_joint.status, ongoing.status) == ("cancelled", "active")
    assert refusal(collected(reference="CP-2")) == ("refused", "MD01")
    with pytest.raises(MalformedMessage):
        lodged(current, "CP-3")


def test_an_account_from_which_is_collected_is_in_use(settings, mandate, current, savings):
    """Nobody paid from either account, but only the one without collections becomes dormant."""
    settings.BANK_DORMANT_DAYS = 30
    Account.objects.update(opened_at=timezone.now() - timedelta(days=900))
    collected(10)
    assert dormancy.mark_unused() == 1
    assert Account.objects.get(dormant_since__isnull=False) == savings
    assert not call("mark_dormant", current.pk, timezone.now() - timedelta(days=30))


def test_an_app_sees_no_collection_from_before_its_history(access_token, api, alice, current, mandate):
    """To see an old collection, the user also needs a fresh login."""
    collected(10)
    named = {
        "type": "account_information", "identifier": str(mandate.pk), "actions": ["transactions"],
        "accounts": [str(current.pk)],
    }  # fmt: skip

    def shown(**claims):
        app = api(access_token(alice, "direct-debits:read", **claims))
        [one] = app.get("/api/v1/direct-debits").json()["data"]
        assert app.get(f"/api/v1/direct-debits/{mandate.pk}").json() == one
        assert (one["last_collected"] is None) == (one["last_collected_at"] is None)
        return one["last_collected"] is not None

    assert shown(authorization_details=({**named, "history_from": "2020-01-01"},))
    assert not shown(authorization_details=({**named, "history_from": "2999-01-01"},))
    Mandate.objects.filter(pk=mandate.pk).update(last_at=timezone.now() - timedelta(days=91))
    assert shown()
    assert not shown(auth_time=timezone.now() - timedelta(hours=1))


def test_the_sites_role_may_do_all_of_it(mandate, current):
    within_this_transaction()
    assert collected().status == "done"
    direct_debits.cancel(mandate.pk, among=Mandate.objects.all())
    assert lodged(current, "CP-3").status == "active"


# --- POST /funds-confirmations


def ask(api, account, amount_minor, currency="GBP"):
    body = {"account_id": str(account.pk), "amount": {"currency": currency, "minor_units": amount_minor}}
    return api.post("/api/v1/funds-confirmations", json.dumps(body), content_type="application/json")


@pytest.fixture
def issuer(access_token, api, alice):
    return api(access_token(alice, "funds:confirm"))


def test_yes_or_no_and_never_the_balance(issuer, current):
    assert [ask(issuer, current, amount).json()["is_available"] for amount in (1, FUNDS_MINOR, FUNDS_MINOR + 1)] == [
        True, True, False,
    ]  # fmt: skip
    assert str(FUNDS_MINOR) not in ask(issuer, current, 1).content.decode()


@pytest.mark.parametrize("change", [{"status": "frozen"}, {"dormant_since": timezone.now()}])
def test_an_account_that_pays_nothing_has_no_funds(issuer, current, change):
    Account.objects.filter(pk=current.pk).update(**change)
    assert ask(issuer, current, 1).json()["is_available"] is False
    assert ask(issuer, current, 1, "EUR").json()["code"] == "currency_mismatch"
    assert ask(issuer, current, 0).json()["code"] == ask(issuer, current, -5).json()["code"] == "amount_out_of_range"
    assert issuer.get(f"/api/v1/accounts/{current.pk}/balances").status_code == 403


def test_nothing_is_available_in_an_account_that_may_not_pay(issuer, current):
    oversight.freeze(current.pk, by=oversight.Officer(officer("first", "freeze_account")), reason="x")
    assert ask(issuer, current, 1).json()["is_available"] is False


def test_held_money_is_not_available(issuer, current, savings):
    ledger.hold(current, 100, until=timezone.now() + timedelta(days=1))
    answers = [ask(issuer, current, amount).json()["is_available"] for amount in (FUNDS_MINOR - 100, FUNDS_MINOR - 99)]
    assert answers == [True, False]


@pytest.mark.usefixtures("clock_stands")
def test_nobody_finds_a_balance_by_asking(settings, issuer, current, savings):
    """Each answer halves the range in which the balance can be, so after twelve a 4096th of it is left. Each account
    has its own limit.
    """
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 1}
    low, high, answers = 0, 10**9, []
    for _ in range(15):
        middle = (low + high) // 2
        answers.append(answer := ask(issuer, current, middle))
        if answer.status_code != 200:
            break
        low, high = (middle, high) if answer.json()["is_available"] else (low, middle)
    assert [one.status_code for one in answers] == [200] * 12 + [429]
    assert high - low > 10**5
    assert ask(issuer, savings, 1).status_code == 200
