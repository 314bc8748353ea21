"""Lists of the bank in the admin name clients and users, and link to them."""

from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Permission
from django.utils import timezone

from banking import ledger
from banking.models import AccessCount, Transfer
from oauth.models import Authorization
from tests.lib.ledger import funded
from tests.lib.staff import browser_of, looker, staff

pytestmark = pytest.mark.django_db
HOUR = datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def counted(alice, mobile_app):
    for client_id in (mobile_app.client_id, "gone"):
        AccessCount.objects.create(
            user=alice, client_id=client_id, kind="accounts:read", hour=HOUR, count=1, first_at=HOUR, last_at=HOUR
        )


def test_a_client_that_is_stored_by_its_id_is_a_link(mobile_app, alice):
    page = browser_of(looker()).get("/admin/banking/accesscount/").content.decode()
    link = f'<a href="/admin/oauth/client/{mobile_app.pk}/change/" title="{mobile_app.client_id}">{mobile_app.name}</a>'
    assert link in page
    assert f'<a href="/admin/accounts/user/{alice.pk}/change/">{alice.email}</a>' in page
    assert "gone</td>" in page


@pytest.mark.parametrize("more", [[], ["view_user"]], ids=["one permission", "users as well"])
def test_no_page_links_to_one_that_its_viewer_may_not_open(more, alice, bob, current, issued, mobile_app):
    """Fields, and rows of other tables below them."""
    issued(mobile_app)
    paid = ledger.post([(current, -100), (funded(bob, "Bob's"), 100)], description="Rent", kind="transfer")
    for one in (current, paid, Authorization.objects.get()):
        clerk = staff()
        rights = [f"view_{one._meta.model_name}", *more]
        clerk.user_permissions.set(Permission.objects.filter(codename__in=rights))
        browser = browser_of(clerk)
        url = f"/admin/{one._meta.app_label}/{one._meta.model_name}/{one.pk}/change/"
        page = BeautifulSoup(browser.get(url).content, "html.parser")
        links = {link["href"] for link in page.select("#content-main fieldset a[href^='/admin/']")}
        assert [link for link in links if browser.get(link).status_code != 200] == []
        if one is not paid:
            assert alice.email in page.select_one("#content-main").text
            assert (f"/admin/accounts/user/{alice.pk}/change/" in links) == bool(more)


@pytest.mark.parametrize("more", [[], ["view_transfer"]], ids=["one permission", "transfers as well"])
def test_a_hold_links_to_its_transfer_for_staff_who_may_open_it(more, alice, current):
    hold = ledger.hold(current, 50, until=timezone.now() + timedelta(days=1))
    transfer = Transfer.objects.create(
        user=alice, client_id="app", idempotency_key="0123456789abcdef", source=current, payee_name="Landlord",
        payee_iban="GB33BUKB20201555555555", currency="GBP", amount_minor=50, reference="Rent", status="pending", hold=hold,
    )  # fmt: skip
    clerk = staff()
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_hold", *more]))
    page = browser_of(clerk).get(f"/admin/banking/hold/{hold.pk}/change/").content.decode()
    assert str(transfer) in page
    assert (f"/admin/banking/transfer/{transfer.pk}/change/" in page) == bool(more)


def test_who_may_not_view_clients_reads_the_id(mobile_app):
    clerk = staff()
    clerk.user_permissions.set(Permission.objects.filter(codename="view_accesscount"))
    page = browser_of(clerk).get("/admin/banking/accesscount/").content.decode()
    assert f"{mobile_app.client_id}</td>" in page
    assert "/admin/oauth/client/" not in page
