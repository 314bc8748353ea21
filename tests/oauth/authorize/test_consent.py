"""The consent page shows exactly the permissions that the user gives (ASVS 5.0 10.7.1 to 10.7.3)."""

from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from django.test import Client as Browser

from oauth.infrastructure import display_names
from oauth.models import Authorization, Client, Scope
from tests.lib.oauth_client import authorization_url, callback, decide, form_fields

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
SCOPES = "accounts:read transfers:write"


def soup(page):
    return BeautifulSoup(page.content, "html.parser")


def allow_only(browser, page, *ticks):
    """Ticks exactly these boxes and allows."""
    fields = [*form_fields(page.content).items(), ("decision", "allow"), *((tick, "yes") for tick in ticks)]
    return browser.post("/oauth/authorize", urlencode(fields), content_type=FORM)


def test_the_page_says_who_asks_for_what_until_when_and_where_it_leads(browser, mobile_app):
    """ASVS 10.7.2."""
    page = soup(browser.get(authorization_url(mobile_app, scope="openid accounts:read transfers:write")))
    text = page.select_one("main").get_text(" ", strip=True)
    for said in (mobile_app.name, "app.example", "Registered by us", "Confirm who you are", "See your accounts",
                 "Make transfers from your accounts", "Until", "alice@example.test", "See or change your password"):  # fmt: skip
        assert said in text
    assert [title.text for title in page.select("main h2")][:3] == ["Who you are", "See", "Change or move money"]
    assert "Move your money" not in text
    deny, allow = (page.select_one(f"button[value={decision}]") for decision in ("deny", "allow"))
    assert deny["class"] == allow["class"]


def test_what_only_reads_says_that_it_moves_no_money(browser, mobile_app):
    page = browser.get(authorization_url(mobile_app, scope="accounts:read balances:read"))
    assert "Move your money, or change anything" in page.content.decode()


def test_what_is_unticked_is_not_granted(browser, mobile_app, token_endpoint):
    """ASVS 10.7.2: this also applies to claims that are requested by name (OpenID Connect Core §5.5), which count as
    the scope that includes them.
    """
    claims = '{"userinfo": {"email": null, "name": null}}'
    url = authorization_url(mobile_app, scope="openid accounts:read email transfers:write", claims=claims)
    page = browser.get(url)
    assert {box["name"] for box in soup(page).select("input[type=checkbox][checked]")} == {
        "allow-email", "allow-profile", "allow-transfers:write",
    }  # fmt: skip
    code = callback(allow_only(browser, page, "allow-profile"))["code"]
    answer = token_endpoint.redeem(mobile_app, code).json()
    assert answer["scope"] == "accounts:read openid"
    stored = Authorization.objects.get()
    assert (sorted(stored.scopes), stored.claims) == (
        ["accounts:read", "openid"],
        {"userinfo": ["name"]},
    )
    userinfo = Browser().get("/oauth/userinfo", headers={"Authorization": f"Bearer {answer['access_token']}"}).json()
    assert set(userinfo) == {"sub", "name"}
    assert token_endpoint.refresh(mobile_app, answer["refresh_token"], scope="email").json()["error"] == "invalid_scope"


def test_what_was_unticked_is_asked_for_again(browser, web_app):
    """This is also true for an app with remembered consent: only allowed scopes are granted."""
    url = authorization_url(web_app, scope="accounts:read transfers:write")
    allow_only(browser, browser.get(url))
    assert browser.get(url).status_code == 200
    assert browser.get(authorization_url(web_app, scope="accounts:read")).status_code == 303


def test_what_was_left_unticked_is_not_granted_because_it_has_lost_its_box(browser, mobile_app):
    """ASVS 10.7.2: staff make the scope compulsory while the page is open."""
    url = authorization_url(mobile_app, scope="accounts:read email transfers:write")
    page = browser.get(url)
    Scope.objects.filter(name="transfers:write").update(is_optional=False)
    again = allow_only(browser, page, "allow-email")
    assert (again.status_code, Authorization.objects.count()) == (400, 0)
    assert "This request has changed since you opened the page" in again.content.decode()
    assert "code" in callback(allow_only(browser, again, "allow-email"))
    assert "transfers:write" in Authorization.objects.get().scopes  # the second page said so


def test_a_scope_that_staff_delete_is_over(browser, web_app, token_endpoint):
    """ASVS 10.4.11."""
    answer = allow_only(browser, browser.get(authorization_url(web_app, scope=SCOPES)), "allow-transfers:write")
    tokens = token_endpoint.redeem(web_app, callback(answer)["code"]).json()
    assert tokens["scope"] == SCOPES
    Scope.objects.filter(name="transfers:write").delete()
    assert token_endpoint.refresh(web_app, tokens["refresh_token"]).json()["scope"] == "accounts:read"
    assert callback(browser.get(authorization_url(web_app, scope=SCOPES)))["error"] == "invalid_scope"
    assert "transfers:write" not in Client.objects.get(pk=web_app.pk).allowed_scopes


def test_a_scope_that_nobody_has_described_counts_as_one_that_changes_something(browser, web_app):
    web_app.allowed_scopes = ["accounts:read", "gate:open"]
    web_app.registration_source = Client.RegistrationSource.DCR
    web_app.save()
    page = soup(browser.get(authorization_url(web_app, scope="accounts:read gate:open")))
    assert page.select_one("[name='allow-gate:open']:not([checked])")
    assert [title.text for title in page.select("main h2")][:2] == ["See", "Change or move money"]
    assert "Move your money" not in page.select_one("main").get_text()


def test_a_consent_is_about_the_client_that_the_page_named(browser, web_app):
    """ASVS 10.7.1: what is remembered is what was shown, so that an app renamed meanwhile gets nothing silently."""
    page = browser.get(authorization_url(web_app, scope="openid"))
    web_app.name = "Someone Else"
    web_app.save()
    again = decide(browser, page)
    assert (again.status_code, Authorization.objects.count()) == (400, 0)
    assert "Someone Else" in again.content.decode()
    assert "code" in callback(decide(browser, again))


def test_a_tick_for_more_than_was_asked_gives_nothing_more(browser, mobile_app, token_endpoint):
    page = browser.get(authorization_url(mobile_app, scope="accounts:read email"))
    code = callback(allow_only(browser, page, "allow-email", "allow-transfers:write", "allow-profile"))["code"]
    assert token_endpoint.redeem(mobile_app, code).json()["scope"] == "accounts:read email"


def test_allowing_nothing_at_all_is_refused(browser, mobile_app):
    page = browser.get(authorization_url(mobile_app, scope="email profile"))
    refused = allow_only(browser, page)
    assert refused.status_code == 400
    assert "Leave at least one thing ticked" in refused.content.decode()
    assert not soup(refused).select("input[checked]")
    assert "code" in callback(allow_only(browser, refused, "allow-email"))


def test_a_single_thing_has_no_tick(browser, mobile_app):
    page = browser.get(authorization_url(mobile_app, scope="transfers:write"))
    assert [box["name"] for box in soup(page).select("input[type=checkbox]")] == ["choice-0"]
    assert "code" in callback(decide(browser, page))


def test_an_app_that_registered_itself_is_not_verified(browser, mobile_app):
    mobile_app.registration_source = Client.RegistrationSource.DCR
    mobile_app.save()
    text = soup(browser.get(authorization_url(mobile_app))).select_one("main").text
    assert "Not verified" in text
    assert "Registered by us" not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Pocket\u202eregdeL", "PocketregdeL"),
        ("Pay\u200bPal\ufeff\u2066", "PayPal"),
        ("Ledger\u2028\u0007 Two", "Ledger Two"),
        ("𝐏𝐚𝐲 Ｐａｌ", "Pay Pal"),
        ("x" * 200, "x" * 59 + "…"),
    ],
)
def test_a_name_that_turns_or_hides_letters_is_shown_plain(browser, mobile_app, name, shown):
    """UTS #36 §2: bidirectional and invisible characters."""
    Client.objects.filter(pk=mobile_app.pk).update(name=name)
    page = browser.get(authorization_url(mobile_app))
    assert soup(page).select_one("h1 bdi").text == shown
    assert not set("\u202e\u2066\u200b\ufeff\u2028") & set(page.content.decode())


@pytest.mark.parametrize("name", ["Pаypal", "Сосо", "Βank of Αthens", "Gοοgle", "раураӏ"])
def test_letters_that_pass_for_others_are_told(browser, mobile_app, name):
    """UTS #39 §5: the page warns of mixed scripts, and of a word of another script that looks Latin."""
    Client.objects.filter(pk=mobile_app.pk).update(name=name)
    assert "Be careful" in soup(browser.get(authorization_url(mobile_app))).select_one("main").text


@pytest.mark.parametrize(
    "name", ["Pocket Ledger", "Café Zürich 24/7", "Моя книга", "家計簿アプリ Pro", "Τα λεφτά μου", "מסע", "한국어 앱"]
)
def test_honest_names_of_any_language_are_not_told(name):
    assert display_names.plain(name) == name
    assert not display_names.looks_like_another(name)


def test_a_host_is_shown_as_dns_knows_it():
    assert display_names.host("аpple.example") == "xn--pple-43d.example"
    assert display_names.host("bank.example") == "bank.example"
    assert display_names.host("a\u202e" + "é" * 70 + ".example").isascii()


def test_the_page_is_framed_nowhere_kept_nowhere_and_its_form_leads_only_to_the_app(browser, mobile_app):
    """Covers clickjacking (RFC 9700 §4.16), caching, and the target of the form (form-action)."""
    page = browser.get(authorization_url(mobile_app))
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "form-action 'self' https://app.example" in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"


def test_a_logo_is_not_fetched_from_its_maker(browser, mobile_app):
    """Otherwise, a third party would learn which user is about to allow which app, and could change the logo after the
    server has checked it.
    """
    Client.objects.filter(pk=mobile_app.pk).update(logo_uri="https://tracker.example/logo.png")
    assert "tracker.example" not in browser.get(authorization_url(mobile_app)).content.decode()


def test_looking_further_without_our_form_changes_nothing(browser, mobile_app):
    page = browser.get(authorization_url(mobile_app))
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    body = urlencode({**form_fields(page.content), "decision": "look-0-1"} | {"csrfmiddlewaretoken": "x" * 64})
    assert strict.post("/oauth/authorize", body, content_type=FORM).status_code == 403


def test_scopes_that_change_something_are_not_ticked_for_a_client_that_registered_itself(
    browser, mobile_app, token_endpoint
):
    """Other scopes are ticked as usual. The user may tick or leave out the scopes that change something."""
    Client.objects.filter(pk=mobile_app.pk).update(registration_source=Client.RegistrationSource.DCR)
    Scope.objects.filter(name="transfers:write").update(is_optional=False)
    url = authorization_url(mobile_app, scope="openid accounts:read email transfers:write")
    page = browser.get(url)
    ticks = {box["name"]: box.has_attr("checked") for box in soup(page).select("input[name^=allow-]")}
    assert ticks == {"allow-email": True, "allow-transfers:write": False}
    code = callback(decide(browser, page))["code"]
    assert token_endpoint.redeem(mobile_app, code).json()["scope"] == "accounts:read email openid"
    code = callback(allow_only(browser, browser.get(url), "allow-transfers:write"))["code"]
    assert "transfers:write" in token_endpoint.redeem(mobile_app, code).json()["scope"]


def test_the_page_has_no_menu_and_its_buttons_come_last(browser, mobile_app):
    page = soup(browser.get(authorization_url(mobile_app)))
    assert not page.select("nav")
    assert [button["value"] for button in page.select("main form button")][-2:] == ["deny", "allow"]


def test_the_publisher_of_an_app_is_named_if_we_registered_it(browser, mobile_app):
    Client.objects.filter(pk=mobile_app.pk).update(client_uri="https://ledger.example/about")
    assert "by ledger.example" in soup(browser.get(authorization_url(mobile_app))).select_one(".asks").get_text(
        " ", strip=True
    )
    Client.objects.filter(pk=mobile_app.pk).update(registration_source=Client.RegistrationSource.DCR)
    assert "by ledger" not in soup(browser.get(authorization_url(mobile_app))).select_one(".asks").get_text(
        " ", strip=True
    )
