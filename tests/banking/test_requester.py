"""A request of an officer who has lost the right to request, or has access to the account by now, is not approved any
more; it can be declined.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from banking import ledger, oversight
from banking.accounts.opening import open_account
from banking.models import AccountAccess, AccountChange, ExchangeRate, ReversalRequest
from banking.oversight.requester import RequesterHasAccess, RequesterNotAllowed
from tests.lib.staff import officer

pytestmark = pytest.mark.django_db


@pytest.fixture
def requester():
    return officer("requester", "request_reversal", "request_accountchange", "request_exchangerate")


def reversal(by, current, of_bob):
    payment = ledger.post([(current, -2_000), (of_bob, 2_000)], description="Rent", kind="transfer")
    return oversight.request_reversal(payment.pk, by=by, reason="Wrong")


def overdraft(by, current, of_bob):
    return oversight.request_overdraft(current.pk, 5_000, by=by, reason="Asked for")


def access(by, current, of_bob):
    return oversight.request_access(current.pk, "bob@example.test", "reader", by=by, reason="Family")


def rate(by, current, of_bob):
    begins = timezone.now() + timedelta(hours=1)
    return oversight.request_rate(
        "GBP", "EUR", mid=Decimal("1.2"), spread_percent=Decimal(1), valid_from=begins, by=by, reason="Market"
    )


DECIDE = {
    ReversalRequest: (oversight.approve_reversal, oversight.decline_reversal),
    AccountChange: (oversight.approve_change, oversight.decline_change),
    ExchangeRate: (oversight.approve_rate, oversight.decline_rate),
}


def dismissed(user):
    user.is_active = False
    user.save()


def moved_to_another_team(user):
    user.user_permissions.clear()


def can_only_be_declined(asked, refusal):
    approve, decline = DECIDE[type(asked)]
    second = oversight.Officer(officer("second"))
    with pytest.raises(refusal):
        approve(asked.pk, by=second)
    asked.refresh_from_db()
    assert asked.status == "open"
    assert decline(asked.pk, by=second, reason="Somebody else can ask again").status == "declined"


@pytest.mark.parametrize("leave", [dismissed, moved_to_another_team])
@pytest.mark.parametrize("request_it", [reversal, overdraft, access, rate])
def test_a_request_of_a_former_officer_can_only_be_declined(requester, current, of_bob, request_it, leave):
    asked = request_it(oversight.Officer(requester), current, of_bob)
    leave(get_user_model().objects.get(pk=requester.pk))
    can_only_be_declined(asked, RequesterNotAllowed)


@pytest.mark.parametrize("request_it", [reversal, overdraft, access, rate])
def test_a_request_of_a_present_officer_is_approved(requester, current, of_bob, request_it):
    asked = request_it(oversight.Officer(requester), current, of_bob)
    assert DECIDE[type(asked)][0](asked.pk, by=oversight.Officer(officer("second"))).status == "approved"


@pytest.mark.parametrize("request_it", [reversal, overdraft, access, rate])
def test_a_request_of_an_officer_who_has_access_by_now_can_only_be_declined(requester, current, of_bob, request_it):
    """ISO 27001 A.5.3."""
    asked = request_it(oversight.Officer(requester), current, of_bob)
    AccountAccess.objects.create(account=current, user=requester, role="reader")
    open_account(requester, name="Euros", currency="EUR")
    can_only_be_declined(asked, RequesterHasAccess)
