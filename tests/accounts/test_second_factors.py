"""Second factors: whoever removes one, its owner hears of it; none lets anybody in twice or without the user."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client as Browser

from accounts import second_factors
from accounts.models import User
from oauth.models import AuditEvent
from tests.accounts.test_notices import told
from tests.accounts.test_step_up import SECRET

pytestmark = pytest.mark.django_db

SENTENCES = {
    "totp": ("totp_deactivated", "Your account: The authenticator app was turned off."),
    "webauthn": ("webauthn_removed", "Your account: A passkey was removed."),
    "recovery_codes": ("recovery_codes_removed", "Your account: Your recovery codes were removed."),
}


def make(kind, user):
    if kind == "totp":
        return TOTP.activate(user, SECRET).instance
    if kind == "recovery_codes":
        return RecoveryCodes.activate(user).instance
    return Authenticator.objects.create(user=user, type=kind, data={"name": "Key", "credential": {}})


# --- B10: removed


WAYS = {
    "function": second_factors.remove,
    "row": lambda factor: factor.delete(),
    "query": lambda factor: Authenticator.objects.filter(pk=factor.pk).delete(),
}


@pytest.mark.parametrize("kind", SENTENCES)
@pytest.mark.parametrize("way", WAYS)
def test_every_removal_is_mailed_and_audited(way, kind, alice):
    """ASVS 5.0 6.3.7."""
    factor = make(kind, alice)
    told()
    WAYS[way](factor)
    assert told(alice.email) == [SENTENCES[kind][1]]
    assert AuditEvent.objects.filter(user=str(alice.pk), reason=SENTENCES[kind][0]).count() == 1


@pytest.mark.parametrize("page", ["delete", "action"])
def test_a_removal_by_staff_says_who_did_it(page, alice):
    admin = User.objects.create_superuser("admin@example.test", "correct-horse-battery")
    factor = make("webauthn", alice)
    told()
    browser = Browser()
    browser.force_login(admin)
    if page == "delete":
        browser.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"})
    else:
        form = {"action": "delete_selected", "_selected_action": [factor.pk], "post": "yes"}
        browser.post("/admin/mfa/authenticator/", form)
    if Authenticator.objects.exists():
        pytest.skip("this way of removal is closed to staff")
    assert told(alice.email) == [SENTENCES["webauthn"][1]]
    assert AuditEvent.objects.get(user=str(alice.pk), reason="webauthn_removed").actor == str(admin.pk)


def test_ones_own_removal_is_told_of_once(browser, alice):
    make("totp", alice)
    make("recovery_codes", alice)
    told()
    browser.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert sorted(told(alice.email)) == sorted([SENTENCES["totp"][1], SENTENCES["recovery_codes"][1]])


def test_with_a_deleted_user_no_mail_is_sent(bob):
    make("totp", bob)
    told()
    bob.delete()
    assert told() == []
