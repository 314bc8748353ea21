"""Every page of the site, with a user who may see it and the steps to get there. Tests of all pages use this list."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.lib.visitors import Site


@dataclass(frozen=True)
class Row:
    """`view` is the name of the URL that the browser ends at.

    `path` may have placeholders for values of the site, such as {account}. `first` performs the steps before; it
    returns the path to open, or nothing if the browser is already there.
    """

    view: str
    path: str = ""
    who: str = "nobody"
    first: Callable[[Site, Page], str | None] | None = None
    note: str = ""
    status: int = 200
    is_shown_off: bool = False

    def __str__(self) -> str:
        return " ".join(filter(None, [self.who, self.view, self.note]))

    @property
    def pictures(self) -> dict[tuple[int, str], str]:
        """The file names for docs/pages.md, by width and color scheme. Pages for users are shown as on a phone, pages
        for staff as on a desktop.
        """
        name = re.sub(r"\W+", "-", str(self))
        looks = [(1280 if self.who == "admin" else 360, "light")]
        if self.is_shown_off:
            looks = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]
        return {(width, scheme): f"{name}-{width}-{scheme}.webp" for width, scheme in looks}


NOBODY = [
    Row("home", "/"),
    Row("account_login", "/accounts/login/"),
    Row("account_login", first=Site.fail_to_log_in, note="refused"),
    Row(
        "account_login",
        first=lambda site, page: site.ask(page, "openid accounts:read"),
        note="for an app",
        is_shown_off=True,
    ),
    Row("account_signup", "/accounts/signup/"),
    Row("account_signup", first=Site.choose_a_short_password, note="refused"),
    Row("account_request_login_code", "/accounts/login/code/"),
    Row("account_confirm_login_code", first=Site.ask_for_a_code),
    Row("account_reset_password", "/accounts/password/reset/"),
    Row("account_reset_password_done", "/accounts/password/reset/done/"),
    Row("account_reset_password_from_key", first=Site.forget_the_password),
    Row("account_reset_password_from_key", "/accounts/password/reset/key/1-no-key/", note="old link"),
    Row("account_reset_password_from_key_done", "/accounts/password/reset/key/done/"),
    Row("account_email_verification_sent", "/accounts/confirm-email/"),
    Row("account_confirm_email", "/accounts/confirm-email/no-key/", note="old link"),
    Row("account_closed", "/accounts/closed/"),
    Row("account_inactive", "/accounts/inactive/"),
    Row("socialaccount_login_cancelled", "/accounts/social/login/cancelled/"),
    Row("socialaccount_login_error", "/accounts/social/login/error/", status=401),
    Row("oauth:build", "/build"),
    *[
        Row("oauth:build-kind", f"/build/{kind}", note=kind)
        for kind in ("mobile", "browser", "web", "service", "device")
    ],
    Row("oauth:developers", "/developers"),
    Row("problem", "/problems/insufficient_funds"),
    Row("developer-guides", "/developers/guides"),
    *[
        Row("developer-guide", f"/developers/guides/{slug}", note=slug)
        for slug in ("sandbox", "idempotency", "step-up", "webhooks", "errors", "going-live", "changes")
    ],
    Row("oauth:authorize", "/oauth/authorize?client_id=unknown", note="refused", status=400),
    Row("oauth:logout", "/oauth/logout", note="already"),
    Row("", "/there-is-no-such-page", note="404", status=404),
    Row("", "", first=Site.get_lost_on_the_way_to_an_app, note="404 on the way to an app", status=404),
    Row("home", "/?x=%01", note="400", status=400),
    Row("account_login", first=Site.send_an_old_form, note="403", status=403),
]

ALICE = [
    Row("home", "/", "alice"),
    Row("oauth:authorize", "", "alice", lambda site, page: site.ask(page, "openid profile email accounts:read transfers:write offline_access")),
    Row("oauth:authorize", "", "alice", Site.ask_for_accounts, "accounts", is_shown_off=True),
    Row("oauth:authorize", "", "alice", Site.ask_for_a_transfer, "transfer"),
    Row("oauth:apps", "/oauth/apps", "alice", Site.let_apps_in),
    Row("oauth:app", "", "alice", lambda site, page: site.follow(page, ".apps a")),
    Row("oauth:app-details", "", "alice", lambda site, page: site.follow(page, "text=Change accounts")),
    Row("oauth:ended-apps", "/oauth/apps/ended", "alice"),
    Row("oauth:device", "/oauth/device", "alice"),
    Row("oauth:device", "", "alice", Site.send_a_wrong_code, "wrong code", status=404),
    Row("oauth:device", "", "alice", Site.compare_the_code, "consent"),
    Row("oauth:device", "", "alice", Site.let_the_device_in, "done"),
    Row("oauth:requests", "/oauth/requests", "alice", note="none"),
    Row("oauth:requests", "/oauth/requests", "alice", Site.be_asked_elsewhere),
    Row("oauth:logout", "/oauth/logout", "alice"),
    Row("account_logout", "/accounts/logout/", "alice"),
    Row("account_security", "/accounts/", "alice"),
    Row("usersessions_list", "/accounts/sessions/", "alice"),
    Row("account_close", "/accounts/close/", "alice", note="not yet"),
    Row("account_profile", "/accounts/profile/", "alice"),
    Row("account_not_me", "/accounts/not-me/", "alice"),
    Row("account_reauthenticate", "/accounts/reauthenticate/", "alice"),
    Row("account_email", "/accounts/email/", "alice"),
    Row("account_change_password", "/accounts/password/change/", "alice"),
    Row("socialaccount_connections", "/accounts/social/", "alice"),
    Row("mfa_index", "/accounts/2fa/", "alice"),
    Row("mfa_activate_totp", "/accounts/2fa/totp/activate/", "alice"),
    Row("mfa_list_webauthn", "/accounts/2fa/webauthn/", "alice", note="none"),
    Row("mfa_add_webauthn", "/accounts/2fa/webauthn/add/", "alice"),
    Row("bank:accounts", "/bank/", "alice"),
    Row("bank:account", "/bank/accounts/{account}", "alice", is_shown_off=True),
    Row("bank:account", "/bank/accounts/{account}?q=nothing+is+called+this", "alice", note="nothing found"),
    Row("bank:transaction", "/bank/accounts/{account}/transactions/{entry}", "alice"),
    Row("bank:details", "/bank/accounts/{account}/details", "alice"),
    Row("bank:statements", "/bank/accounts/{account}/statements", "alice"),
    Row("bank:statement", "", "alice", Site.follow_a_statement),
    Row("bank:transfer", "/bank/transfer", "alice"),
    Row("bank:transfer", "", "alice", Site.send_nothing, "refused", status=400),
    Row("bank:confirm", "", "alice", Site.fill_in_a_transfer),
    Row("bank:confirm", "", "alice", Site.pay_someone_new, "someone new"),
    Row("bank:receipt", "/bank/transfers/{transfer}", "alice"),
    Row("bank:exchange", "/bank/exchange", "alice"),
    Row("bank:exchange-quote", "", "alice", Site.ask_for_a_quote),
    Row("bank:exchanged", "", "alice", Site.exchange),
    Row("bank:payees", "/bank/payees", "alice"),
    Row("bank:orders", "/bank/orders", "alice"),
    Row("bank:order", "/bank/orders/{order}", "alice"),
    Row("bank:change-order", "/bank/orders/{order}/change", "alice"),
    Row("bank:new-order", "/bank/orders/new", "alice"),
    Row("bank:confirm-order", "", "alice", Site.fill_in_an_order),
    Row("bank:alerts", "/bank/alerts", "alice"),
    Row("bank:limits", "/bank/limits", "alice"),
    Row("bank:open", "/bank/open", "alice"),
    Row("bank:account-apps", "/bank/accounts/{account}/apps", "alice"),
    Row("bank:sharing", "/bank/accounts/{account}/sharing", "alice"),
    Row("bank:close-account", "/bank/accounts/{account}/close", "alice"),
    Row("bank:direct-debits", "/bank/direct-debits", "alice"),
    Row("bank:direct-debit", "", "alice", Site.follow_a_direct_debit),
    Row("oauth:developer-new-app", "/developers/apps/new", "alice"),
    Row("oauth:developer-new-app", "/developers/apps/new?kind=web", "alice", note="a web app"),
    Row("oauth:developer-new-app", "", "alice", Site.register_an_unsafe_app, "refused", status=400),
    Row("oauth:developer-app", "", "alice", Site.open_own_app, is_shown_off=True),
    Row("oauth:developers", "", "alice", lambda site, page: site.open_own_app(page) and "/developers", "own apps"),
    Row("oauth:developer-change-app", "", "alice", lambda site, page: f"{site.open_own_app(page)}/change"),
    Row("oauth:developer-programs", "", "alice", lambda site, page: f"{site.open_own_app(page)}/programs"),
    Row("oauth:developer-keys", "", "alice", lambda site, page: f"{site.open_own_app(page)}/keys"),
    Row("oauth:developer-requests", "", "alice", lambda site, page: f"{site.open_own_app(page)}/requests"),
    Row("oauth:developer-secret", "", "alice", Site.make_a_secret),
    Row("developer-webhooks", "", "alice", lambda site, page: f"{site.open_own_app(page)}/webhooks"),
    Row("oauth:developer-sandbox", "/developers/sandbox", "alice", note="none"),
    Row("oauth:developer-sandbox", "", "alice", Site.make_a_sandbox_user),
    Row("oauth:authorize", "", "alice", Site.ask_by_own_app, "an app that is not live"),
]  # fmt: skip

#: This visitor signs up, and at the end has every second factor.
GRACE = [
    Row("account_email_verification_sent", "", "grace", Site.sign_up, "just signed up"),
    Row("account_confirm_email", "", "grace", Site.open_the_link),
    Row("oauth:apps", "/oauth/apps", "grace", Site.log_in_for_the_first_time, "none"),
    Row("account_close", "/accounts/close/", "grace"),
    Row("bank:accounts", "/bank/", "grace", note="none"),
    Row("bank:payees", "/bank/payees", "grace", note="none"),
    Row("bank:orders", "/bank/orders", "grace", note="none"),
    Row("bank:direct-debits", "/bank/direct-debits", "grace", note="none"),
    Row("mfa_view_recovery_codes", "", "grace", Site.set_up_an_authenticator_app),
    Row("mfa_generate_recovery_codes", "/accounts/2fa/recovery-codes/generate/", "grace"),
    Row("mfa_deactivate_totp", "/accounts/2fa/totp/deactivate/", "grace"),
    Row("mfa_list_webauthn", "/accounts/2fa/webauthn/", "grace", Site.make_a_passkey),
    Row("mfa_edit_webauthn", "", "grace", lambda site, page: site.follow(page, "a[href$='/edit/']")),
    Row("mfa_remove_webauthn", "", "grace", lambda site, page: site.follow_from_passkeys(page, "a[href$='/remove/']")),
    Row("mfa_index", "/accounts/2fa/", "grace", note="all on"),
    Row("account_security", "/accounts/", "grace", note="all on"),
    Row("mfa_reauthenticate", "/accounts/2fa/reauthenticate/", "grace"),
    Row("mfa_reauthenticate_webauthn", "/accounts/2fa/webauthn/reauthenticate/", "grace"),
    Row("mfa_authenticate", "", "grace", Site.log_in_with_a_password),
    Row("mfa_trust", "", "grace", Site.send_the_second_factor),
]

ADMIN = [
    Row("admin:index", "/admin/", "admin", is_shown_off=True),
    Row("admin:oauth_client_changelist", "/admin/oauth/client/", "admin"),
    Row("admin:oauth_client_add", "/admin/oauth/client/add/", "admin"),
    Row("admin:oauth_client_change", "/admin/oauth/client/{client}/change/", "admin"),
    Row("admin:oauth_client_conformance", "/admin/oauth/client/conformance/", "admin"),
    Row("admin:oauth_client_conformance_of", "/admin/oauth/client/{client}/conformance/", "admin"),
    Row("admin:oauth_client_programs", "/admin/oauth/client/{client}/programs/", "admin"),
    Row("admin:oauth_client_test", "/admin/oauth/client/{client}/test/", "admin"),
    Row("admin:oauth_clientreview_changelist", "/admin/oauth/clientreview/", "admin"),
    Row("admin:oauth_clientreview_change", "", "admin", Site.review_an_app),
    Row("admin:oauth_authorization_changelist", "/admin/oauth/authorization/", "admin"),
    Row("admin:oauth_branding_add", "/admin/oauth/branding/add/", "admin"),
    Row("admin:oauth_signingkey_changelist", "/admin/oauth/signingkey/", "admin"),
    Row("admin:oauth_auditevent_changelist", "/admin/oauth/auditevent/", "admin"),
    Row("admin:oauth_auditevent_changelist", "", "admin", Site.find_an_error_id, "found by error ID"),
    Row("admin:banking_account_changelist", "/admin/banking/account/", "admin"),
    Row("admin:banking_account_change", "/admin/banking/account/{account}/change/", "admin"),
    Row("admin:banking_account_entries", "/admin/banking/account/{account}/entries/", "admin"),
    Row("admin:banking_account_freeze", "/admin/banking/account/{account}/freeze/", "admin"),
    Row("admin:banking_account_request-access", "/admin/banking/account/{account}/request-access/", "admin"),
    Row("admin:banking_accountapplication_changelist", "/admin/banking/accountapplication/", "admin"),
    Row("admin:banking_accountchange_changelist", "/admin/banking/accountchange/", "admin"),
    Row("admin:banking_product_add", "/admin/banking/product/add/", "admin"),
    Row("admin:banking_ledgertransaction_changelist", "/admin/banking/ledgertransaction/", "admin"),
    Row("admin:banking_ledgertransaction_change", "/admin/banking/ledgertransaction/{transaction}/change/", "admin"),
    Row(
        "admin:banking_ledgertransaction_request-reversal",
        "/admin/banking/ledgertransaction/{transaction}/request-reversal/",
        "admin",
    ),
    Row("admin:banking_transfer_changelist", "/admin/banking/transfer/", "admin"),
    Row("admin:banking_reversalrequest_changelist", "/admin/banking/reversalrequest/", "admin"),
    Row("admin:banking_transactionquestion_changelist", "/admin/banking/transactionquestion/", "admin"),
    Row("admin:banking_mandate_changelist", "/admin/banking/mandate/", "admin"),
    Row("admin:banking_schememessage_changelist", "/admin/banking/schememessage/", "admin"),
    Row("admin:oauth_client_users", "/admin/oauth/client/{client}/users/", "admin"),
    Row("admin:oauth_client_events", "/admin/oauth/client/{client}/events/", "admin"),
    Row("admin:oauth_client_secret", "/admin/oauth/client/{web_client}/secret/", "admin"),
    Row("admin:oauth_client_delete", "/admin/oauth/client/{web_client}/delete/", "admin"),
    Row("admin:accounts_user_changelist", "/admin/accounts/user/", "admin"),
    Row("admin:accounts_user_add", "/admin/accounts/user/add/", "admin"),
    Row("admin:accounts_user_change", "/admin/accounts/user/{user}/change/", "admin", is_shown_off=True),
    Row("admin:auth_user_password_change", "/admin/accounts/user/{user}/password/", "admin"),
    *[
        Row("user-tab", f"/admin/user/{{user}}/{name}/", "admin", note=name)
        for name in ("sessions", "factors", "apps", "accounts", "events", "roles")
    ],
    Row("lock-down-user", "/admin/lock-down/user/{user}/", "admin"),
    Row("lock-down-client", "/admin/lock-down/client/{client}/", "admin"),
]

ROWS = [*NOBODY, *ALICE, *GRACE, *ADMIN]

#: URLs for users that show no page.
NO_PAGE = {
    "favicon": "an image",
    "oauth:brand": "a stylesheet",
    "oauth:app-logo": "a picture",
    "set_language": "the target of the form at the foot of every page",
    "account_stronger": "redirects to the page of the second factor that the user has",
    "account_data": "a download",
    "account_password_strength": "JSON for the meter beside a new password",
    "account_trusted": "the target of the button beside a trusted browser on the security page",
    "account_set_password": "redirects to changing it: only a user who came through a provider has no password",
    "account_request_reauthentication_code": "off (ACCOUNT_REAUTHENTICATION_METHODS)",
    "account_confirm_reauthentication_code": "off (ACCOUNT_REAUTHENTICATION_METHODS)",
    "mfa_download_recovery_codes": "a download",
    "mfa_login_webauthn": "JSON for the login page, and the form that this page sends",
    "openid_connect_login": "leads to another site; no provider is set up in the demo",
    "openid_connect_callback": "answers another site",
    "socialaccount_signup": "the next step after a login at another site; see test_upstream",
    "oauth:developer-review": "the target of a form on the page of an app",
    "oauth:developer-close-app": "the target of a form on the page of an app",
    "oauth:verify-at": "for gateways, not for browsers",
    "bank:statement-csv": "a download",
    "bank:statement-pdf": "a download",
    "bank:export": "a download; with wrong days the page of the statements",
    "bank:ask-for-file": "the target of the form for a long statement",
    "bank:statement-file": "a download",
    "bank:ask": "the target of a form on the page of a transaction",
    "bank:note": "the target of a form on the page of a transaction",
    "bank:rename": "the target of a form on the sharing page",
    "bank:end-access": "the target of a form on the sharing page",
    "bank:reactivate": "the target of a form on the page of an account",
    "bank:accept-invitation": "the target of a form on the overview",
    "bank:decline-invitation": "the target of a form on the overview",
    "bank:withdraw-invitation": "the target of a form on the sharing page",
    "bank:withdraw-application": "the target of a form on the page of the applications",
    "bank:cancel-transfer": "the target of a form on the receipt",
    "bank:remove-payee": "the target of a form on the page of the payees",
    "bank:cancel-order": "the target of a form on the page of the orders",
    "bank:pause-order": "the target of a form on the page of the orders",
    "bank:resume-order": "the target of a form on the page of the orders",
    "bank:refund-collection": "the target of a form on the page of a direct debit",
    "bank:cancel-direct-debit": "the target of a form on the page of the direct debits",
    "api-docs-redirect": "a window of the API's documentation, which is Swagger UI's, see test_api_docs",
    "api-changes": "Markdown",
    "api-schema": "JSON or YAML",
    "api-docs": "Swagger UI is not ours, and is for developers; see test_api_docs",
    "/^api/": "a 404 as JSON, not a page",
}


#: Accepted violations in Django's own templates and stylesheets of the admin: the rule, the element, and the reason.
DJANGOS = [
    ("label-title-only", "^#searchbar$", "the label is the picture of a magnifying glass, which says “Search”"),
    ("aria-prohibited-attr", r"help-tooltip", "the picture of a magnifying glass beside a filter of permissions"),
    (
        "empty-table-header",
        r"^thead > tr > \.original$|^th:nth-child\(\d+\)$",
        "columns of inlines for links and deleting",
    ),
]


def is_djangos(rule: str, where: str) -> bool:
    return any(rule == one and re.search(pattern, where) for one, pattern, _ in DJANGOS)
