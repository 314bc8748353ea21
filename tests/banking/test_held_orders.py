"""If an app is removed or disabled, the orders that it has set up are on hold until the user or the bank decides."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.core import mail
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from banking import notices, orders
from banking.ledger import in_transaction
from banking.models import AccountAccess, ScheduledTransfer, Transfer
from banking.notices import email
from oauth.clients import preset
from oauth.models import AuditEvent, Authorization, Client
from tests.lib.bank_notices import sent_notices
from tests.lib.login import logged_in
from tests.lib.oauth_client import PASSWORD
from tests.lib.staff import browser_of, officer
from tests.lib.token_exchange import exchange
from tests.lib.transfers import KEY, order
from tests.lib.web_bank import text

pytestmark = pytest.mark.django_db
APP = "client-of-the-tests"


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def weekly(alice_api, current, savings):
    """An order of the app, due on 1 December and each week after that."""
    made = order(alice_api, current, savings, amount_minor=1_000, frequency="weekly", first_on="2026-12-01")
    assert made.status_code == 201
    return ScheduledTransfer.objects.get()


def run(day="2026-12-01"):
    return orders.run_due(today=date.fromisoformat(day))


def state(scheduled):
    scheduled.refresh_from_db()
    return scheduled.status, scheduled.held_reason, scheduled.next_on


def ended(reason):
    Authorization.objects.update(revoked_at=timezone.now(), revocation_reason=reason)


def test_an_order_of_a_disabled_app_pays_nothing_and_its_user_is_told(weekly, alice_api, browser, monkeypatch):
    told = []
    monkeypatch.setattr(notices, "enqueue_notice", lambda kind, about: told.append((kind, about)))
    Client.objects.filter(client_id=APP).update(is_active=False)
    assert run() == 0
    assert state(weekly) == ("held", "app_disabled", None)
    assert not Transfer.objects.exists()
    assert told == [("order_held", weekly.pk)]
    email.send("order_held", str(weekly.pk))
    assert "disabled" in mail.outbox[0].body
    Client.objects.filter(client_id=APP).update(is_active=True)
    shown = alice_api.get(f"/api/v1/scheduled-transfers/{weekly.pk}").json()
    assert (shown["status"], shown["held_reason"], shown["next_on"]) == ("held", "app_disabled", None)
    assert run("2026-12-31") == 0, "enabling the app again resumes nothing"


@pytest.mark.parametrize(("reason", "until"), [("staff", "we release it"), ("app_disabled", "you resume it")])
def test_the_email_says_who_can_let_the_order_go_on(weekly, reason, until):
    in_transaction(lambda: orders.hold(weekly.pk, reason))
    email.send("order_held", str(weekly.pk))
    assert f"It pays nothing until {until}." in mail.outbox[0].body


@pytest.mark.parametrize(("client_id", "is_without"), [("web bank", False), (APP, True)])
def test_the_page_says_that_an_order_goes_on_without_the_app_only_if_an_app_set_it_up(
    weekly, browser, client_id, is_without
):
    ScheduledTransfer.objects.update(client_id=client_id)
    in_transaction(lambda: orders.hold(weekly.pk, "inactive"))
    shown = browser.get(f"/bank/orders/{weekly.pk}").content.decode()
    assert ("The order continues without the app." in shown) is is_without
    assert "Days that have passed are skipped." in shown


def test_a_single_payment_whose_day_has_passed_is_made_when_its_order_is_resumed_as_the_page_says(
    alice_api, current, savings, browser
):
    made = ScheduledTransfer.objects.get(pk=order(alice_api, current, savings, f"{KEY}-2").json()["id"])
    in_transaction(lambda: orders.pause(made.pk))
    shown = browser.get(f"/bank/orders/{made.pk}").content.decode()
    assert "The order pays on its day, or at once if that day has passed." in shown
    assert "skipped" not in shown
    with time_machine.travel(datetime(2026, 12, 9, 12, tzinfo=UTC)):
        in_transaction(lambda: orders.resume(made.pk, by=made.user_id, is_proven=True))
    assert state(made) == ("active", "", date(2026, 12, 9))
    assert run("2026-12-09") == 1


def test_an_order_of_a_deleted_app_pays_nothing(weekly):
    Client.objects.filter(client_id=APP).delete()
    assert run() == 0
    assert state(weekly) == ("held", "app_disabled", None)


def test_an_order_of_a_deleted_app_does_not_pass_to_an_app_with_its_client_id(weekly):
    """A client with a metadata document has the same client ID whenever somebody uses it again."""
    client = Client.objects.get(client_id=APP)
    client.delete()
    assert state(weekly) == ("held", "app_disabled", None)
    Client(name=client.name, client_id=APP, **preset("web")).save()
    assert run() == 0
    assert not Transfer.objects.exists()


@pytest.mark.parametrize("reason", ["user", "admin", "refresh_replay", "code_replay", "deactivated"])
def test_an_order_of_an_app_that_lost_its_access_pays_nothing(weekly, reason):
    ended(reason)
    assert run() == 0
    assert state(weekly) == ("held", "app_removed", None)


@pytest.mark.parametrize(
    ("reason", "pays"), [("admin", 0), ("refresh_replay", 0), ("deactivated", 0), ("client", 1), ("", 1)]
)
def test_an_order_that_is_due_later_than_the_authorization_is_kept(alice_api, current, savings, reason, pays):
    """The order of an app that lost its access stays unpaid after the cleanup has deleted the authorization."""
    order(alice_api, current, savings, amount_minor=1_000, first_on="2027-06-01")
    if reason:
        ended(reason)
    Authorization.objects.update(expires_at=timezone.now())
    with time_machine.travel(datetime(2027, 6, 1, 12, tzinfo=UTC)):
        call_command("cleanup")
        assert not Authorization.objects.filter(client__client_id=APP).exists()
        assert run("2027-06-01") == pays
    assert state(ScheduledTransfer.objects.get())[:2] == (("completed", "") if pays else ("held", "app_removed"))


@pytest.mark.parametrize("is_expired", [False, True])
def test_an_order_of_an_app_from_which_staff_took_payments_pays_nothing(weekly, is_expired):
    """ASVS 5.0 10.4.11: the app could not set up the order now."""
    if is_expired:
        Authorization.objects.update(expires_at=timezone.now() - timedelta(days=1))
    client = Client.objects.get(client_id=APP)
    client.allowed_scopes = [scope for scope in client.allowed_scopes if scope != "transfers:write"]
    client.save()
    assert run() == 0
    assert state(weekly) == ("held", "app_narrowed", None)


@pytest.mark.parametrize("reason", ["client", "logout"])
def test_an_app_that_logs_out_ends_no_order(weekly, reason):
    ended(reason)
    assert run() == 1


def test_an_order_outlives_an_authorization_that_came_to_its_end(weekly):
    Authorization.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert run() == 1


def test_allowing_the_app_again_lets_its_orders_go_on(weekly, alice, access_token):
    ended("user")
    access_token(alice, "transfers:write")
    assert run() == 1


def removal(browser):
    """The fields of the form that removes the app, and whether it offers to end something."""
    page = BeautifulSoup(browser.get("/oauth/apps").content, "html.parser")
    [form] = page.select("main form")
    fields = {one["name"]: one["value"] for one in form.select("input[type=hidden]")}
    return fields, [one["name"] for one in form.select("input[type=checkbox]")], form.get_text(" ", strip=True)


def remove(browser, fields):
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    return browser.post("/oauth/apps", body, content_type="application/x-www-form-urlencoded")


def test_removing_an_app_holds_its_orders(browser, weekly):
    fields, ticks, said = removal(browser)
    assert len(ticks) == 1
    assert "1 payment order" in said
    remove(browser, fields)
    assert state(weekly) == ("held", "app_removed", None)
    assert not Authorization.objects.live().filter(client__client_id=APP).exists()


def test_removing_an_app_holds_the_orders_of_a_service_that_acted_for_it(
    browser, alice, access_token, token_endpoint, gateway, mobile_app, current, savings, api
):
    """RFC 8693: the user knows only the app, so the order is the app's."""
    scopes = "accounts:read transfers:read transfers:write"
    gateway.allowed_scopes, gateway.exchange_policy = scopes.split(), "impersonation"
    gateway.save()
    token = access_token(alice, scopes, client_id=mobile_app.client_id)
    service = api(exchange(token_endpoint, gateway, token).json()["access_token"])
    asked = {"amount_minor": 1_000, "frequency": "weekly", "first_on": "2026-12-01"}
    made = order(service, current, savings, **asked)
    assert made.status_code == 201
    assert order(service, current, savings, **asked).json() == made.json(), "a retry finds it"
    fields, _, said = removal(browser)
    assert "1 payment order" in said
    remove(browser, fields)
    assert state(ScheduledTransfer.objects.get()) == ("held", "app_removed", None)


def test_removing_an_app_cancels_its_orders_where_the_user_ticks_it(browser, weekly, access_token, alice):
    fields, [tick], _ = removal(browser)
    remove(browser, {**fields, tick: "yes"})
    assert state(weekly) == ("cancelled", "", None)


def test_removing_an_app_says_nothing_about_orders_that_go_on_without_it(browser, weekly, alice, access_token):
    """The user has resumed the order without the app, and then allowed the app again."""
    remove(browser, removal(browser)[0])
    orders.resume(weekly.pk, by=weekly.user_id, is_proven=True)
    access_token(alice, "transfers:write")
    fields, ticks, said = removal(browser)
    assert (ticks, "payment order" in said) == ([], False)
    remove(browser, {**fields, "end-0": "yes"})
    assert state(weekly) == ("active", "", date(2026, 12, 1))
    assert run() == 1


def test_an_app_without_orders_offers_nothing(browser, alice_api):
    _, ticks, said = removal(browser)
    assert ticks == []
    assert "payment order" not in said


def test_nobody_holds_the_orders_of_somebody_else(bob, weekly):
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    remove(of_bob, {"client_id": APP, "end-0": "yes"})
    assert state(weekly)[0] == "active"


def test_the_web_bank_names_the_app_and_resumes_with_a_fresh_log_in(browser, weekly):
    """The order then belongs to the user, not to the app. Payments of days that have passed are not made."""
    page = text(browser.get("/bank/orders"))
    assert Client.objects.get(client_id=APP).name in page
    assert "On hold" not in page
    remove(browser, removal(browser)[0])
    page = text(browser.get("/bank/orders"))
    for said in ("On hold", "was removed", Client.objects.get(client_id=APP).name, "It pays nothing"):
        assert said in page
    url = f"/bank/orders/{weekly.pk}/resume"
    with time_machine.travel(datetime(2026, 12, 2, 12, tzinfo=UTC)):
        again = Browser()
        again.post("/accounts/login/", {"login": "alice@example.test", "password": PASSWORD})
        with time_machine.travel(datetime(2026, 12, 2, 12, 11, tzinfo=UTC)):
            to_prove = again.post(url)["Location"]
            assert to_prove.startswith("/accounts/reauthenticate/")
            assert state(weekly)[0] == "held"
            again.post(to_prove, {"password": PASSWORD})
            again.post(url)
        assert state(weekly) == ("active", "", date(2026, 12, 8))
    assert run("2026-12-08") == 1


def test_a_held_order_is_cancelled_by_its_user(browser, weekly, alice_api):
    remove(browser, removal(browser)[0])
    browser.post(f"/bank/orders/{weekly.pk}/cancel")
    assert state(weekly) == ("cancelled", "", None)


def test_a_user_cannot_resume_an_order_of_another_user(browser, weekly, bob):
    remove(browser, removal(browser)[0])
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert of_bob.post(f"/bank/orders/{weekly.pk}/resume").status_code == 404
    assert state(weekly)[0] == "held"


@pytest.mark.parametrize("role", ["delegate", "holder"])
def test_others_who_may_pay_can_stop_an_order_but_not_make_it_pay(weekly, bob, access_token, api, role):
    """The order pays by the limits and the payees of Alice, whom no email would tell of Bob's change."""
    AccountAccess.objects.create(account=weekly.source, user=bob, role=role)
    app, of_bob = api(access_token(bob, "transfers:read transfers:write")), Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    url, page = f"/api/v1/scheduled-transfers/{weekly.pk}", f"/bank/orders/{weekly.pk}"
    before = weekly.amount_minor
    more = {"amount": {"currency": "GBP", "minor_units": 900_000}}
    refused = app.patch(url, more, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "scheduled_transfer_of_another_user")
    assert of_bob.post(f"{page}/change", {"amount": "9000"}).status_code == 404
    assert "Change" not in text(of_bob.get(page)).partition("Its payments")[0].partition("Number")[2]
    assert app.post(f"{url}/pause", {}, format="json").json()["held_reason"] == "paused"
    assert app.post(f"{url}/resume", {}, format="json").json()["code"] == "scheduled_transfer_of_another_user"
    of_bob.post(f"{page}/resume")
    assert (state(weekly)[:2], weekly.amount_minor) == (("held", "paused"), before)
    assert app.post(f"{url}/cancel", {}, format="json").json()["status"] == "cancelled"


@pytest.mark.parametrize("way", ["api", "web"])
def test_the_user_of_an_order_is_told_when_somebody_else_stops_it(weekly, alice, bob, access_token, api, way):
    AccountAccess.objects.create(account=weekly.source, user=bob, role="delegate")

    def press(user, what):
        if way == "api":
            app = api(access_token(user, "transfers:write"))
            app.post(f"/api/v1/scheduled-transfers/{weekly.pk}/{what}", {}, format="json")
        else:
            logged_in(user).post(f"/bank/orders/{weekly.pk}/{what}")
        weekly.refresh_from_db()

    press(alice, "pause")
    press(alice, "resume")
    assert weekly.status == "active"
    assert sent_notices("order_held") == set(), "not told of what they did themselves"
    press(bob, "pause")
    assert (weekly.held_reason, sent_notices("order_held")) == ("paused", {alice.email})
    press(bob, "cancel")
    assert (weekly.status, sent_notices("order_ended")) == ("cancelled", {alice.email})
    assert "somebody else who may pay from the account" in mail.outbox[-1].body


def test_the_user_of_an_order_is_not_told_of_their_own_cancellation(weekly, browser):
    browser.post(f"/bank/orders/{weekly.pk}/cancel")
    assert state(weekly)[0] == "cancelled"
    assert sent_notices("order_ended") == set()


def test_a_day_that_was_paid_is_not_paid_again_after_resuming(browser, weekly):
    assert run("2026-12-01") == 1
    remove(browser, removal(browser)[0])
    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC)):
        again = Browser()
        again.post("/accounts/login/", {"login": "alice@example.test", "password": PASSWORD})
        again.post(f"/bank/orders/{weekly.pk}/resume")
    assert state(weekly) == ("active", "", date(2026, 12, 8))


# --- staff


def test_staff_hold_an_order_and_only_staff_release_it(weekly, browser):
    staff = browser_of(officer("clerk", "hold_scheduledtransfer"))
    url = f"/admin/banking/scheduledtransfer/{weekly.pk}"
    assert "Hold" in staff.get(f"{url}/change/").content.decode()
    assert staff.post(f"{url}/hold/", {"reason": "Fraud report"}).status_code == 302
    assert state(weekly) == ("held", "staff", None)
    assert run() == 0
    browser.post(f"/bank/orders/{weekly.pk}/resume")
    assert state(weekly)[0] == "held", "the user cannot resume what the bank holds"
    assert staff.post(f"{url}/release/", {"reason": "All clear"}).status_code == 302
    assert state(weekly) == ("active", "", date(2026, 12, 1))
    acts = AuditEvent.objects.filter(action="staff_acted").order_by("id").values_list("endpoint", flat=True)
    assert list(acts) == ["bank.order_held", "bank.order_released"]
    assert sent_notices("order_ended") == set()
    assert staff.post(f"{url}/cancel/", {"reason": "Fraud"}).status_code == 302
    assert state(weekly)[0] == "cancelled"
    assert sent_notices("order_ended") == {weekly.user.email}


def pause(scheduled, browser):
    orders.pause(scheduled.pk)


def remove_app(scheduled, browser):
    remove(browser, removal(browser)[0])


def lose_app(scheduled, browser):
    ended("refresh_replay")
    Authorization.objects.update(expires_at=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(days=60)):
        call_command("cleanup")
    assert not Authorization.objects.filter(client__client_id=APP).exists()


@pytest.mark.parametrize(
    ("end", "is_first", "reason"),
    [
        (pause, True, "paused"),
        (remove_app, True, "app_removed"),
        (remove_app, False, "app_removed"),
        (lose_app, False, "app_removed"),
    ],
)
def test_an_order_that_staff_release_stays_on_hold_for_its_other_reason(weekly, browser, end, is_first, reason):
    """Also if the cleanup has deleted the authorization of the app before staff release the order."""
    if is_first:
        end(weekly, browser)
    orders.hold(weekly.pk, ScheduledTransfer.HeldReason.STAFF)
    orders.hold(weekly.pk, ScheduledTransfer.HeldReason.STAFF)  # a second officer presses the button, too
    if not is_first:
        end(weekly, browser)
    assert state(weekly) == ("held", "staff", None)
    orders.release(weekly.pk)
    assert state(weekly) == ("held", reason, None)
    assert run("2027-06-01") == 0
    orders.resume(weekly.pk, by=weekly.user_id, is_proven=True)
    assert state(weekly) == ("active", "", date(2026, 12, 1))


def test_an_order_that_was_resumed_has_forgotten_why_it_was_on_hold(weekly):
    orders.pause(weekly.pk)
    orders.hold(weekly.pk, ScheduledTransfer.HeldReason.STAFF)
    orders.release(weekly.pk)
    orders.resume(weekly.pk, by=weekly.user_id, is_proven=True)
    orders.hold(weekly.pk, ScheduledTransfer.HeldReason.STAFF)
    orders.release(weekly.pk)
    assert state(weekly) == ("active", "", date(2026, 12, 1))


def test_staff_without_the_right_do_nothing_to_orders(weekly):
    viewer = browser_of(officer("viewer"))
    for how in ("hold", "release", "cancel"):
        assert viewer.post(f"/admin/banking/scheduledtransfer/{weekly.pk}/{how}/", {"reason": "x"}).status_code == 403
    assert state(weekly)[0] == "active"
