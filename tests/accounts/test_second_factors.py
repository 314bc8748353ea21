"""Second factors: the user is notified when one is removed, no code works twice, and none works without the user."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.internal.flows import trust
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone
from fido2.utils import websafe_decode

from accounts import changes, second_factors
from accounts.models import TrustedBrowser, UsedTotpCode, User
from accounts.second_factors import authenticator_app
from oauth.models import AuditEvent
from tests.lib.login import NEW_PASSWORD, is_logged_in, log_in
from tests.lib.notices import told
from tests.lib.oauth_client import PASSWORD
from tests.lib.soft_key import HOST, SoftKey
from tests.lib.staff import browser_of, staff
from tests.lib.totp import SECRET, code

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


def test_a_second_click_shows_that_the_app_is_on_or_off(browser):
    """It must not lead to the button that does the opposite."""
    for page, said in (("activate", b"Turn the app off"), ("deactivate", b"Set up the app")):
        url = f"/accounts/2fa/totp/{page}/"
        secret = browser.get(url).context["form"].secret if page == "activate" else ""
        for _ in range(2):
            answer = browser.post(url, {"code": code(secret=secret)} if secret else {})
        assert answer.url == "/accounts/2fa/"
        assert said in browser.get("/accounts/2fa/").content


def test_a_click_while_the_first_one_turns_the_app_on_shows_that_it_is_on(browser, alice, monkeypatch):
    """The first click has used the code, so the form of the second one is refused."""
    refused = authenticator_app.activate_totp

    def overtaken(request):
        answer = refused(request)
        make("totp", alice)
        return answer

    monkeypatch.setattr(authenticator_app, "activate_totp", overtaken)
    assert browser.post("/accounts/2fa/totp/activate/", {"code": "000000"})["Location"] == "/accounts/2fa/"


# --- second factors that a user removed


@pytest.mark.parametrize("kind", SENTENCES)
def test_every_removal_is_mailed_and_audited(kind, alice):
    """ASVS 5.0 6.3.7. The removal is by a command or in the shell."""
    factor = make(kind, alice)
    told()
    second_factors.remove(factor)
    assert told(alice.email) == [SENTENCES[kind][1]]
    assert AuditEvent.objects.filter(user=str(alice.pk), reason=SENTENCES[kind][0]).count() == 1


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_a_login_that_waits_for_a_removed_factor_begins_again(kind, alice):
    """Support removes the factor of a user who lost the device, while the user's browser waits for it."""
    factor = make(kind, alice)
    browser = Browser()
    waiting = log_in(browser, alice.email)["Location"]
    assert waiting.startswith("/accounts/2fa/authenticate/")
    second_factors.remove(factor)
    page = browser.get(waiting, follow=True)
    assert page.status_code == 200
    assert page.request["PATH_INFO"] == "/accounts/login/"
    assert not is_logged_in(browser)
    log_in(browser, alice.email)
    assert is_logged_in(browser)


def test_a_login_still_waits_for_the_other_factor(alice):
    factor, _other = make("webauthn", alice), make("totp", alice)
    browser = Browser()
    waiting = log_in(browser, alice.email)["Location"]
    second_factors.remove(factor)
    assert browser.get(waiting).status_code == 200
    browser.post(waiting, {"code": code(SECRET)})
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert is_logged_in(browser)


DELETIONS = {
    "row": lambda factor: factor.delete(),
    "query": lambda factor: Authenticator.objects.filter(pk=factor.pk).delete(),
}


@pytest.mark.parametrize("kind", SENTENCES)
@pytest.mark.parametrize("way", DELETIONS)
def test_a_deletion_that_would_notify_nobody_is_refused(way, kind, alice):
    """The shell is told which function notifies the user."""
    factor = make(kind, alice)
    told()
    with pytest.raises(TypeError, match=r"accounts\.second_factors\.remove"), transaction.atomic():
        DELETIONS[way](factor)
    assert Authenticator.objects.filter(pk=factor.pk).exists()
    assert told() == []


def test_the_last_factor_takes_the_recovery_codes_with_it(alice):
    factor, codes = make("totp", alice), make("recovery_codes", alice)
    told()
    second_factors.remove(factor)
    second_factors.remove(codes)  # it was removed before, so there is only one notice
    assert sorted(told(alice.email)) == sorted([SENTENCES["totp"][1], SENTENCES["recovery_codes"][1]])


@pytest.mark.parametrize("page", ["delete", "action"])
def test_a_removal_by_staff_says_who_did_it(page, alice):
    admin = staff("superuser")
    factor = make("webauthn", alice)
    browser = browser_of(admin)
    told()
    if page == "delete":
        browser.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"})
    else:
        form = {"action": "delete_selected", "_selected_action": [factor.pk], "post": "yes"}
        browser.post("/admin/mfa/authenticator/", form)
    assert not Authenticator.objects.filter(user=alice).exists()
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


# --- no code works twice, and none works without the user


def second_step(alice, value):
    """Logs in with the password in a new browser, and returns whether the code is accepted."""
    browser = Browser()
    log_in(browser, alice.email)
    browser.post("/accounts/2fa/authenticate/", {"code": value})
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    return is_logged_in(browser)


@pytest.mark.parametrize("later", [0, 1, 32, 63])
def test_a_code_of_the_app_counts_once_whatever_the_cache_forgot(alice, later):
    """RFC 6238 §5.2."""
    TOTP.activate(alice, SECRET)
    now = timezone.now().replace(second=5, microsecond=0)
    with time_machine.travel(now, tick=False):
        ahead = format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + 1))  # a code from a clock that is ahead
        assert second_step(alice, ahead)
    cache.clear()
    with time_machine.travel(now + timedelta(seconds=later), tick=False):
        assert not second_step(alice, ahead)
        cache.clear()
        assert not second_step(alice, format_hotp_value(hotp_value(SECRET, int(now.timestamp()) // 30)))  # older


def test_the_code_that_set_the_app_up_lets_nobody_in(browser, alice):
    browser.get("/accounts/2fa/totp/activate/")
    used = code(browser.session["mfa.totp.secret"])
    browser.post("/accounts/2fa/totp/activate/", {"code": used})
    assert Authenticator.objects.filter(user=alice, type="totp").exists()
    assert not second_step(alice, used)


def test_a_code_proves_it_again_once_too(browser, alice):
    TOTP.activate(alice, SECRET)
    used = code(SECRET)
    assert second_step(alice, used)
    cache.clear()
    before = browser.session["account_authentication_methods"]
    browser.post("/accounts/2fa/reauthenticate/", {"code": used})
    assert browser.session["account_authentication_methods"] == before


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_with_the_same_code_one_wins():
    user = User.objects.create_user("race@example.test", PASSWORD)
    for counter in (100, 101):  # the first row, then its update
        barrier = threading.Barrier(4)

        def use(_number, barrier=barrier, counter=counter):
            barrier.wait()
            try:
                return UsedTotpCode.use(user, counter)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(use, range(4))) == 1


@pytest.fixture
def key(alice):
    made = SoftKey(alice)
    made.register()
    return made


def options(browser):
    answer = browser.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    return answer.json()["request_options"]["publicKey"]


def try_key(browser, key, challenge, is_user_verified, page="/accounts/2fa/webauthn/login/"):
    answer = key.answer(websafe_decode(challenge), is_user_verified=is_user_verified)
    return browser.post(page, {"credential": answer})


@pytest.mark.parametrize("is_user_verified", [True, False])
def test_a_passkey_logs_in_only_with_user_verification(alice, key, is_user_verified):
    """WebAuthn §7.2 step 17."""
    browser = Browser(headers={"Host": HOST})
    asked = options(browser)
    assert asked["userVerification"] == "required"
    try_key(browser, key, asked["challenge"], is_user_verified)
    assert is_logged_in(browser) is is_user_verified


def test_a_challenge_that_another_login_left_takes_no_key_that_was_only_touched(alice, bob, key):
    """allauth 65.21.1: Bob's second step, with a weaker challenge, and then Alice's key at the login page."""
    SoftKey(bob).register()
    browser = Browser(headers={"Host": HOST})
    log_in(browser, bob.email)
    page = browser.get("/accounts/2fa/authenticate/").content.decode()
    challenge = re.search(r'"challenge": *"([A-Za-z0-9_-]+)"', page)[1]
    try_key(browser, key, challenge, is_user_verified=False)
    assert not is_logged_in(browser)


@pytest.mark.parametrize("is_user_verified", [True, False])
def test_as_a_second_step_too_a_key_checks_its_user(alice, key, is_user_verified):
    """`mfa` and the strong acr are claimed for it."""
    browser = Browser(headers={"Host": HOST})
    log_in(browser, alice.email)
    page = browser.get("/accounts/2fa/authenticate/").content.decode()
    challenge = re.search(r'"challenge": *"([A-Za-z0-9_-]+)"', page)[1]
    try_key(browser, key, challenge, is_user_verified, "/accounts/2fa/authenticate/")
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert is_logged_in(browser) is is_user_verified


@pytest.mark.parametrize("is_user_verified", [True, False])
def test_as_a_recent_proof_too_a_key_checks_its_user(alice, key, is_user_verified):
    browser = Browser(headers={"Host": HOST})
    try_key(browser, key, options(browser)["challenge"], is_user_verified=True)
    page = browser.get("/accounts/2fa/webauthn/reauthenticate/").content.decode()
    challenge = re.search(r'"challenge": *"([A-Za-z0-9_-]+)"', page)[1]
    before = len(browser.session["account_authentication_methods"])
    try_key(browser, key, challenge, is_user_verified, "/accounts/2fa/webauthn/reauthenticate/")
    assert len(browser.session["account_authentication_methods"]) == before + is_user_verified


def test_the_second_step_asks_the_key_to_check_its_user(alice, key):
    browser = Browser(headers={"Host": HOST})
    log_in(browser, alice.email)
    page = browser.get("/accounts/2fa/authenticate/").content.decode()
    assert re.search(r'"userVerification": *"required"', page)


@pytest.mark.parametrize("page", ["login", "authenticate"])
def test_a_key_without_its_user_is_refused_whatever_the_challenge_asked(alice, key, page):
    """The setting alone does not decide, because the challenge in the session has stored it. The form checks the flag
    itself.
    """
    browser = Browser(headers={"Host": HOST})
    log_in(browser, alice.email)
    shown = browser.get("/accounts/2fa/authenticate/").content.decode()
    challenge = re.search(r'"challenge": *"([A-Za-z0-9_-]+)"', shown)[1]
    session = browser.session
    session["mfa.webauthn.state"] = {**session["mfa.webauthn.state"], "user_verification": "discouraged"}
    session.save()
    url = {"login": "/accounts/2fa/webauthn/login/", "authenticate": "/accounts/2fa/authenticate/"}[page]
    try_key(browser, key, challenge, is_user_verified=False, page=url)
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert not is_logged_in(browser)


# --- trusted browsers


@pytest.fixture
def trusted(alice):
    """Alice's browser, logged in by two steps and trusted."""
    TOTP.activate(alice, SECRET)
    browser = Browser(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"})
    log_in(browser, alice.email)
    browser.post("/accounts/2fa/authenticate/", {"code": code(SECRET)})
    browser.post("/accounts/2fa/trust/", {"action": "trust"})
    assert is_logged_in(browser)
    return browser


def is_trusted(browser, alice, password=PASSWORD):
    """Whether the password alone lets in, in a copy of the browser that is logged out."""
    copy = Browser()
    copy.cookies[settings.MFA_TRUST_COOKIE_NAME] = browser.cookies[settings.MFA_TRUST_COOKIE_NAME].value
    log_in(copy, alice.email, password)
    return is_logged_in(copy)


def elsewhere(alice):
    """Another browser of hers, by two steps and not trusted."""
    browser = Browser()
    log_in(browser, alice.email)
    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        browser.post("/accounts/2fa/authenticate/", {"code": code(SECRET)})
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert is_logged_in(browser)
    return browser


def test_a_trusted_browser_is_listed_and_can_be_ended(trusted, alice):
    assert is_trusted(trusted, alice)
    page = trusted.get("/accounts/").content.decode()
    assert "Trusted browsers" in page
    number = re.search(r'name="browser" value="([0-9]+)"', page)[1]
    trusted.post("/accounts/trusted/", {"browser": number})
    assert "Trusted browsers" not in trusted.get("/accounts/").content.decode()
    assert not is_trusted(trusted, alice)


def test_nobody_ends_the_trust_of_somebody_else(trusted, alice, bob):
    other = Browser()
    log_in(other, bob.email)
    other.post("/accounts/trusted/", {"browser": TrustedBrowser.objects.get().pk})
    assert is_trusted(trusted, alice)


def test_log_out_all_others_ends_their_trust_and_not_ones_own(trusted, alice):
    elsewhere(alice).post("/accounts/sessions/")
    assert not is_trusted(trusted, alice)


def test_log_out_all_others_leaves_this_browser_trusted(trusted, alice):
    trusted.post("/accounts/sessions/")
    assert is_trusted(trusted, alice)


@pytest.mark.parametrize("act", ["password", "address", "state"])
def test_trust_in_a_browser_ends_when_the_user_changes(trusted, alice, act):
    user = User.objects.get(pk=alice.pk)
    if act == "password":
        changes.set_password(user, NEW_PASSWORD)
    elif act == "address":
        changes.replace_address(user, "x@example.test")
    else:
        changes.deactivate(user)
        changes.reactivate(user)
    assert not TrustedBrowser.objects.exists()


def test_a_cookie_of_before_is_trusted_no_more(alice, rf):
    """allauth's own, which nobody can list or end."""
    TOTP.activate(alice, SECRET)
    response = HttpResponse()
    trust.trust_browser(rf.get("/"), alice, response)
    browser = Browser()
    browser.cookies[settings.MFA_TRUST_COOKIE_NAME] = response.cookies[settings.MFA_TRUST_COOKIE_NAME].value
    log_in(browser, alice.email)
    assert not is_logged_in(browser)
