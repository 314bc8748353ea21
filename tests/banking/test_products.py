"""Products of the bank. Their terms cannot change, and an account has the currency and type of its product."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from banking.accounts.opening import open_account
from banking.models import Account, Product
from tests.lib.database import connected_as, site_role
from tests.lib.staff import browser_of, officer

pytestmark = pytest.mark.django_db
TERMS = ("kind", "currency", "allows_overdraft", "credit_interest_rate", "overdraft_interest_rate", "monthly_fee_minor")


@pytest.fixture
def saver(db):
    return Product.objects.create(
        name="Saver", kind="savings", currency="GBP", is_on_offer=True, credit_interest_rate=Decimal("1.75")
    )


def test_an_account_has_the_currency_and_type_of_its_product(alice, saver):
    opened = open_account(alice, name="Rainy day", currency="GBP", type="savings", product=saver)
    assert Account.objects.get(pk=opened.pk).product == saver
    for other in ({"currency": "EUR", "type": "savings"}, {"currency": "GBP", "type": "current"}):
        with pytest.raises(IntegrityError, match="account_of_its_product"), transaction.atomic():
            open_account(alice, name="x", product=saver, **other)


@pytest.mark.django_db(transaction=True)
def test_the_site_changes_no_terms(alice, saver):
    with site_role() as role, connected_as(role):
        Product.objects.filter(pk=saver.pk).update(name="Saver 2", is_on_offer=False)
        for term in TERMS:
            with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
                cursor.execute(f"UPDATE product SET {term} = {term}")
        with pytest.raises(ProgrammingError, match="permission denied"):
            saver.delete()
        account = open_account(alice, name="x", currency="GBP", type="savings", product=saver)
        with pytest.raises(ProgrammingError, match="permission denied"):
            Account.objects.filter(pk=account.pk).update(product=None)


@pytest.mark.django_db(transaction=True)
def test_staff_add_a_product_and_change_its_name_and_offer_only(saver):
    with site_role() as role:
        browser = browser_of(officer("products", "add_product", "change_product"))
        new = {"name": "Basic", "kind": "current", "currency": "EUR", "is_on_offer": "on", "monthly_fee_minor": "500"}
        with connected_as(role):
            assert browser.post("/admin/banking/product/add/", new).status_code == 302
            changed = browser.post(
                f"/admin/banking/product/{saver.pk}/change/",
                {"name": "Old saver", "currency": "EUR", "credit_interest_rate": "9"},
            )
        assert changed.status_code == 302, changed.content
    saver.refresh_from_db()
    assert (saver.name, saver.is_on_offer, saver.currency, saver.credit_interest_rate) == (
        "Old saver", False, "GBP", Decimal("1.75"),
    )  # fmt: skip
    assert Product.objects.get(name="Basic").monthly_fee_minor == 500


def test_a_currency_that_is_none_is_refused_in_the_admin(db):
    browser = browser_of(officer("products", "add_product"))
    answer = browser.post("/admin/banking/product/add/", {"name": "x", "kind": "current", "currency": "XYZ"})
    assert answer.status_code == 200
    assert not Product.objects.exists()
