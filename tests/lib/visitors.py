"""Steps that users take before they reach a page of the site, with the pages' own forms."""

import json
import re
import secrets
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
import requests
from playwright.sync_api import Page

from tests.lib import person, totp
from tests.lib.chromium import DEVICE
from tests.lib.mails import mails
from tests.lib.oauth_client import CHALLENGE
from tests.lib.servers import Server, wait_until

RETURNS_TO = "http://127.0.0.1:51997/callback"
GRACES_PASSWORD = "a-horse-of-its-own"
CIBA = "urn:openid:params:grant-type:ciba"
ACCOUNTS = {"type": "account_information", "actions": ["accounts", "balances"], "valid_for": "P90D"}
TRANSFER = {
    "type": "transfer", "actions": ["initiate"], "instructed_amount": {"currency": "GBP", "minor_units": 1250},
    "creditor": {"scheme": "iban", "identifier": "GB33BUKB20201555555555", "name": "Mill Lane Lettings"}, "reference": "Rent, room 4",
}  # fmt: skip

_SENT = """
from accounts.models import User
from oauth.clients import preset
from oauth.clients.self_service import reviews
from oauth.models import Client
owner = User.objects.get(email="bob@demo.test")
values = {"name": "Ledgerly", "redirect_uris": "https://ledgerly.example/callback", "client_uri": "https://ledgerly.example/"}
app = Client.objects.create(user=owner, is_live=False, allowed_scopes=["openid", "accounts:read"], **preset("web"), **values)
print(reviews.ask(app, owner, note="We show accounts in one list.").pk)
"""


class Site:
    """The demo, and facts about it. Each method navigates `page`, or returns the path to open."""

    def __init__(self, live: Server) -> None:
        self.live = live
        self.own_app = ""  # the path of the page of the app that the developer registered
        self.grace = f"grace-{secrets.token_hex(4)}@people.test"  # the user who signs up

    @cached_property
    def facts(self) -> dict[str, str]:
        """Values for the placeholders in the paths of the site map."""
        of_alice = "FROM bank_account a JOIN accounts_user u ON u.id = a.holder_id WHERE u.email = 'alice@demo.test'"
        queries = {
            "account": f"SELECT a.id {of_alice} AND a.name = 'Everyday'",
            "transfer": f"SELECT id FROM transfer WHERE source_id = (SELECT a.id {of_alice} AND a.name = "
            "'Everyday') ORDER BY created_at LIMIT 1",
            "entry": f"SELECT transaction_id FROM ledger_entry WHERE account_id = (SELECT a.id {of_alice} AND a.name = "
            "'Everyday') ORDER BY account_seq DESC LIMIT 1",
            "order": f"SELECT o.id FROM scheduled_transfer o WHERE o.source_id = (SELECT a.id {of_alice} AND "
            "a.name = 'Everyday')",
            "transaction": "SELECT id FROM ledger_transaction ORDER BY id DESC LIMIT 1",
            "client": "SELECT id FROM oauth_client WHERE client_id = 'demo-mobile'",
            "web_client": "SELECT id FROM oauth_client WHERE secret_digest IS NOT NULL ORDER BY id LIMIT 1",
            "user": "SELECT id FROM accounts_user WHERE email = 'alice@demo.test'",
        }
        with psycopg.connect(self.live.database_url) as connection:
            return {name: str(connection.execute(query).fetchone()[0]) for name, query in queries.items()}  # type: ignore[index]

    def open(self, page: Page, path: str) -> None:
        page.goto(f"{self.live.url}{path.format(**self.facts) if '{' in path else path}")

    def log_in(self, page: Page, email: str, password: str = person.PASSWORD) -> None:
        self.open(page, "/accounts/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", password)
        with page.expect_navigation():
            page.press("input[name=password]", "Enter")

    # --- nobody

    def fail_to_log_in(self, page: Page) -> None:
        self.log_in(page, "nobody@demo.test", "not the password")

    def choose_a_short_password(self, page: Page) -> None:
        self.open(page, "/accounts/signup/")
        page.fill("input[name=email]", "nobody@demo.test")
        page.fill("input[name=password1]", "short")
        page.fill("input[name=password2]", "short")
        with page.expect_navigation():
            page.click("main button[type=submit]")

    def send_an_old_form(self, page: Page) -> None:
        self.open(page, "/accounts/login/")
        page.context.clear_cookies()
        page.fill("input[name=login]", person.EMAIL)
        page.fill("input[name=password]", person.PASSWORD)
        with page.expect_navigation():
            page.press("input[name=password]", "Enter")

    def ask_for_a_code(self, page: Page) -> None:
        self.open(page, "/accounts/login/code/")
        page.fill("input[name=email]", "bob@demo.test")
        page.click("main button[type=submit]")
        page.wait_for_url("**/confirm/")

    def forget_the_password(self, page: Page) -> str:
        self.open(page, "/accounts/password/reset/")
        page.fill("input[name=email]", "bob@demo.test")
        page.click("main button[type=submit]")
        return self._link("bob@demo.test", "/password/reset/key/")

    # --- apps

    def ask(self, page: Page, scope: str = "", **parameters: str) -> None:
        query = {"client_id": "demo-mobile", "redirect_uri": RETURNS_TO, "response_type": "code", "state": "s",
                 "code_challenge": CHALLENGE, "code_challenge_method": "S256", **parameters}  # fmt: skip
        if scope:
            query["scope"] = scope
        self.open(page, f"/oauth/authorize?{urlencode(query)}")

    def get_lost_on_the_way_to_an_app(self, page: Page) -> str:
        self.ask(page, "openid accounts:read")
        return "/there-is-no-such-page"

    def find_an_error_id(self, page: Page) -> str:
        """The audit log for one error ID: that of an app which names an unregistered redirect URI."""
        query = {"client_id": "demo-mobile", "redirect_uri": "https://wrong.example/callback", "response_type": "code"}
        refused = requests.get(f"{self.live.url}/oauth/authorize", params=query, timeout=60)
        error_id = re.findall(r"<dt>Error ID</dt><dd><code>([0-9a-f]+)</code>", refused.text)[0]
        return f"/admin/oauth/auditevent/?q={error_id}"

    def be_the_app(self, page: Page) -> None:
        """Answers at the app's redirect URI. The page names an icon, so that the browser requests none."""
        back = "<link rel=icon href=data:,>back"
        page.route(f"{RETURNS_TO}**", lambda route: route.fulfill(body=back, content_type="text/html"))

    def ask_for_accounts(self, page: Page) -> None:
        self.ask(page, "openid", authorization_details=json.dumps([ACCOUNTS]))

    def ask_for_a_transfer(self, page: Page) -> None:
        self.ask(page, "openid", authorization_details=json.dumps([TRANSFER]))

    def let_apps_in(self, page: Page) -> None:
        self.be_the_app(page)
        self.ask_for_accounts(page)
        page.click("button[value=allow]")
        page.wait_for_url(f"{RETURNS_TO}**")

    def follow(self, page: Page, selector: str) -> str:
        return str(page.get_attribute(selector, "href"))

    def follow_from_passkeys(self, page: Page, selector: str) -> str:
        self.open(page, "/accounts/2fa/webauthn/")
        return self.follow(page, selector)

    def _device(self) -> dict[str, Any]:
        form = {"client_id": "demo-device", "scope": "accounts:read email"}
        return requests.post(f"{self.live.url}/oauth/device_authorization", data=form, timeout=60).json()

    def send_a_wrong_code(self, page: Page) -> None:
        self.open(page, "/oauth/device")
        page.fill("#user-code", "BCDF-GHJK")
        with page.expect_navigation():
            page.press("#user-code", "Enter")

    def compare_the_code(self, page: Page) -> None:
        self.open(page, "/oauth/device")
        page.fill("#user-code", self._device()["user_code"])
        page.press("#user-code", "Enter")
        page.wait_for_selector("button[value=allow]")

    def let_the_device_in(self, page: Page) -> None:
        self.compare_the_code(page)
        with page.expect_navigation():
            page.click("button[value=allow]")

    @cached_property
    def call_centre(self) -> tuple[str, str]:
        """The credentials of a CIBA client, which asks users at another device."""
        metadata = {"client_name": "Call Centre", "grant_types": ["client_credentials"], "redirect_uris": [],
                    "scope": "openid accounts:read balances:read"}  # fmt: skip
        headers = {"Authorization": f"Bearer {self.live.registration_token()}"}
        made = requests.post(f"{self.live.url}/oauth/register", json=metadata, headers=headers, timeout=60).json()
        # Only an admin can allow CIBA, and only apps that an admin has registered may ask users who do not use them yet.
        values = f"grant_types=[{CIBA!r}], registration_source=Client.RegistrationSource.MANUAL"
        gives = f"Client.objects.filter(client_id={made['client_id']!r}).update({values})"
        self.live.manage("shell", "-c", f"from oauth.models import Client; {gives}")
        return made["client_id"], made["client_secret"]

    def be_asked_elsewhere(self, page: Page) -> None:
        form = {"scope": "openid accounts:read", "login_hint": person.EMAIL, "binding_message": "W4SCT"}
        url = f"{self.live.url}/oauth/backchannel_authentication"
        answer = requests.post(url, data=form, auth=self.call_centre, timeout=60)
        assert answer.ok, answer.text
        self.open(page, "/oauth/requests")
        page.wait_for_selector("button[value=allow]")

    # --- the developer portal

    def _register(self, page: Page, redirect_uri: str) -> None:
        self.open(page, "/developers/apps/new?kind=web")
        page.fill("#id_name", "Moneta")
        page.fill("#id_redirect_uris", redirect_uri)
        page.fill("#id_client_uri", "https://moneta.example/")
        page.check("input[value='accounts:read']")
        with page.expect_navigation():
            page.click("main form button[type=submit]")

    def register_an_unsafe_app(self, page: Page) -> None:
        self._register(page, "http://moneta.example/callback")

    def open_own_app(self, page: Page) -> str:
        """Registers an app for this user if there is none yet. Returns its path."""
        if not self.own_app:
            self._register(page, "https://moneta.example/callback")
            self.own_app = urlsplit(page.url).path
        return self.own_app

    def make_a_secret(self, page: Page) -> None:
        self.open(page, self.open_own_app(page))
        with page.expect_navigation():
            page.click("button[value=new]")

    def make_a_sandbox_user(self, page: Page) -> None:
        self.open(page, "/developers/sandbox")
        page.fill("#name", "Anna Sandbox")
        with page.expect_navigation():
            page.click("button[value=make]")

    def ask_by_own_app(self, page: Page) -> None:
        self.open(page, self.open_own_app(page))
        own = {"client_id": page.inner_text("#client-id"), "redirect_uri": "https://moneta.example/callback"}
        self.ask(page, "accounts:read", **own)

    def review_an_app(self, page: Page) -> str:
        """The path of the review of another developer's app."""
        made = self.live.manage("shell", "-v0", "-c", _SENT).strip().splitlines()[-1]
        return f"/admin/oauth/clientreview/{made}/change/"

    # --- the bank

    def follow_a_statement(self, page: Page) -> str:
        self.open(page, "/bank/accounts/{account}/statements")
        links = page.eval_on_selector_all("main a", "all => all.map(one => one.getAttribute('href'))")
        return next(link for link in links if re.search(r"/statements/\d{4}-\d\d$", link))

    def follow_a_direct_debit(self, page: Page) -> str:
        """The path of the broadband provider's direct debit, which is collected each month."""
        self.open(page, "/bank/direct-debits")
        return str(page.get_by_role("link", name="Brightline broadband").get_attribute("href"))

    def _transfer(self, page: Page, amount: str, path: str = "/bank/transfer") -> None:
        self.open(page, f"{path}?from={{account}}")
        page.fill("#id_amount", amount)
        page.select_option("#id_to", label="Rainy day (GBP)")
        page.fill("#id_reference", "For a rainy day")

    def send_nothing(self, page: Page) -> None:
        self._transfer(page, "0")
        with page.expect_navigation():
            page.press("#id_reference", "Enter")

    def fill_in_a_transfer(self, page: Page) -> None:
        self._transfer(page, "12.50")
        page.press("#id_reference", "Enter")
        page.wait_for_url("**/bank/transfer/*")

    def pay_someone_new(self, page: Page) -> None:
        self._transfer(page, "25")
        page.select_option("#id_to", value="new")
        page.fill("#id_name", "Corner Bakery")
        page.fill("#id_iban", "GB77BARC20201530093459")
        page.press("#id_reference", "Enter")
        page.wait_for_url("**/bank/transfer/*")

    def fill_in_an_order(self, page: Page) -> None:
        self._transfer(page, "12.50", "/bank/orders/new")
        page.select_option("#id_frequency", value="monthly")
        page.press("#id_reference", "Enter")
        page.wait_for_url("**/bank/orders/new/*")

    def ask_for_a_quote(self, page: Page) -> None:
        self.open(page, "/bank/exchange?from={account}")
        page.fill("#id_amount", "25")
        page.press("#id_amount", "Enter")
        page.wait_for_url("**/bank/exchange/*")

    def exchange(self, page: Page) -> None:
        self.ask_for_a_quote(page)
        page.click("#exchange")
        page.wait_for_url("**/bank/exchanges/*")

    # --- Grace

    def sign_up(self, page: Page) -> None:
        self.open(page, "/accounts/signup/")
        page.fill("input[name=email]", self.grace)
        page.fill("input[name=name]", "Grace Gardener")
        page.fill("input[name=password1]", GRACES_PASSWORD)
        page.fill("input[name=password2]", GRACES_PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/accounts/confirm-email/")

    def open_the_link(self, page: Page) -> str:
        return self._link(self.grace, "/confirm-email/")

    def log_in_for_the_first_time(self, page: Page) -> None:
        with page.expect_navigation():
            page.click("text=Yes, it is mine")
        self.log_in(page, self.grace, GRACES_PASSWORD)

    def set_up_an_authenticator_app(self, page: Page) -> None:
        self.open(page, "/accounts/2fa/totp/activate/")
        secret = page.inner_text("code.secret")
        page.fill("input[name=code]", totp.code(secret))
        page.click("text=Turn it on")
        page.wait_for_url("**/recovery-codes/")
        self.recovery_code = page.inner_text(".codes li:first-child")

    def make_a_passkey(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        session.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, "automaticPresenceSimulation": True}})
        self.open(page, "/accounts/2fa/webauthn/add/")
        page.fill("input[name=name]", "My phone")
        page.click("text=Make the passkey")
        page.wait_for_url(lambda url: not url.endswith("/add/"))
        session.send("WebAuthn.disable")

    def log_in_with_a_password(self, page: Page) -> None:
        page.context.clear_cookies()
        self.log_in(page, self.grace, GRACES_PASSWORD)

    def send_the_second_factor(self, page: Page) -> None:
        page.fill("input[name=code]", self.recovery_code)
        page.click("main button:has-text('Log in')")
        page.wait_for_url("**/trust/")

    def _link(self, email: str, part: str) -> str:
        """The path of the link in the email."""
        links: list[str] = []

        def has_come() -> bool:
            links.extend(re.findall(rf"https?://\S+{part}\S+", "\n".join(mails(self.live, email))))
            return bool(links)

        wait_until(has_come)
        return urlsplit(links[-1]).path
