"""allauth's account adapter for this site: normalized emails, slowed password guessing, redirects, email links,
notices.
"""

from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sites.requests import RequestSite
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import addresses, notices
from accounts.addresses import mail_limit, mail_server, outgoing_mail
from accounts.browsers import known_device
from accounts.changes.acts import remove_connections
from accounts.login import after_response, guessing, next_url, recent_proof, resending
from accounts.metrics import logins
from accounts.models import User, UserManager
from accounts.upstream import proof
from oauth.authorize import interaction
from oauth.infrastructure import mailboxes
from oauth.pages import brand

# Kinds of notices that accounts.changes and accounts.second_factors send, so allauth must not send them again.
_NOTIFIED_ELSEWHERE = {
    "password_changed", "password_set", "password_reset", "email_changed", "totp_deactivated", "webauthn_removed",
}  # fmt: skip

# The emails that sign-up may send. The page must not reveal which of them was sent.
_CONFIRMATIONS = {"email_confirmation", "email_confirmation_signup", "account_already_exists"}


class AccountAdapter(DefaultAccountAdapter):
    def clean_email(self, email: str) -> str:
        """Normalizes as `User` does (NFKC, lower case), so that all spellings of an email are one user account."""
        return super().clean_email(UserManager.normalize_email(email))

    def is_safe_url(self, url: str | None) -> bool:
        """Redirects after login must stay on this site, so only paths are allowed (RFC 9700 §4.11).

        An interaction that another browser started is not safe either; the login then leads to the home page.
        """
        if url is None or not url_has_allowed_host_and_scheme(url, allowed_hosts=None):
            return False
        asked_by = interaction.id_in(url)
        return not asked_by or self.request is None or interaction.is_of_browser(self.request, asked_by)

    def pre_authenticate(self, request: Any, **credentials: Any) -> None:
        """Disables allauth's rate limit on logins, which refuses the user; accounts.login.guessing asks for a code
        instead.
        """

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        """Refuses a correct password if the email does not belong to the user (accounts.addresses.ownership)."""
        user = super().authenticate(request, **credentials)
        if user is not None and addresses.owner_of(credentials.get("email", "")) != user:
            self.authentication_failed(request, **credentials)
            return None
        return user

    def authentication_failed(self, request: Any, **credentials: Any) -> None:
        logins.labels("wrong").inc()
        guessing.count(request, credentials.get("email", ""))

    def get_login_stages(self) -> list[str]:
        ours = {"allauth.mfa.stages.AuthenticateStage": "accounts.browsers.trusted_browsers.SecondStep"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def is_login_by_code_required(self, login: Any) -> bool:
        return guessing.demands_code(login) or super().is_login_by_code_required(login)

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Limits password guesses in a logged-in browser. A user who reaches the limit can log out and log in again."""
        if guessing.is_proof_refused(user):
            raise self.validation_error("too_many_login_attempts")
        is_right: bool = user.check_password(password)
        if not is_right:
            guessing.count_proof(user)
        return is_right

    def add_message(self, request: Any, level: int, message_template: str | None = None, *args: Any, **kw: Any) -> None:
        """Drops two messages: that a code was sent because of password guesses, which the page itself explains, and
        that a confirmation was sent again, which would reveal that the email has a user account.
        """
        is_explained = _is_suspected(request) and message_template == "account/messages/login_code_sent.txt"
        is_telling = (
            resending.is_under_way(request) and message_template == "account/messages/email_confirmation_sent.txt"
        )
        if not is_explained and not is_telling:
            super().add_message(request, level, message_template, *args, **kw)

    def login(self, request: Any, user: Any) -> None:
        """The last step of every login, after the second factor. A user's first login sends no notice."""
        is_news = user.last_login is not None and not known_device.is_of(request, user)
        if user.last_login is None:
            _remove_access_of_a_stranger(request, user)
        super().login(request, user)
        if is_news:
            notices.enqueue_notice("new_device", user, request)

    def post_login(self, request: Any, user: Any, *, redirect_url: str | None, **kwargs: Any) -> Any:
        """Redirects to the `next` of this tab, even if a login in another tab began later."""
        return super().post_login(request, user, redirect_url=get_next_redirect_url(request) or redirect_url, **kwargs)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A recent login counts as reauthentication."""
        return super().is_reauthentication_required(app=app, **kwargs) and not recent_proof.exists(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """A user who has neither a password nor a second factor reauthenticates at an identity provider."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return methods or proof.ways(user)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Enqueues a notice for the background worker. Its kind is the name of allauth's template."""
        kind = template_prefix.rpartition("/")[2]
        if kind not in _NOTIFIED_ELSEWHERE:
            notices.enqueue_notice(kind, user, self.request, to=email or "")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Builds links with the host of the issuer, never with the request's Host header (ZITADEL CVE-2025-64101)."""
        if not mailboxes.is_reachable(email):
            return
        suspected = _is_suspected(self.request)
        if suspected and template_prefix != "account/email/login_code":
            return  # the password was wrong, so there is nothing to send
        if template_prefix.rpartition("/")[2] in _CONFIRMATIONS:
            resending.remember(self.request, "confirmation", UserManager.normalize_email(email))
        if mail_limit.is_reached(self.request, email, is_proven=suspected):
            return
        leads_to = next_url.next_url(self.request)
        for name, value in context.items():
            if name.endswith("_url") and isinstance(value, str):
                context[name] = _on_issuer(value, leads_to)
        context["current_site"] = _IssuerSite()
        context = {"request": self.request, "email": email, **context}
        message = self.render_mail(template_prefix, email, context)  # with its HTML part, _message.html
        if suspected:
            after_response.do_after_response(self.request, partial(mail_server.in_time, message.send))
        else:
            outgoing_mail.send_now(message.send)

    def format_email_subject(self, subject: str) -> str:
        return subject

    def save_user(self, request: Any, user: AbstractBaseUser, form: Any, commit: bool = True) -> AbstractBaseUser:
        assert isinstance(user, User)
        user.name = form.cleaned_data.get("name", "")
        return super().save_user(request, user, form, commit)


class _IssuerSite(RequestSite):
    def __init__(self) -> None:
        self.domain = urlsplit(settings.ORIGIN).netloc
        self.name = brand.current().name


def _on_issuer(url: str, leads_to: str) -> str:
    """`url` on the issuer's host. If `leads_to` is an interaction, it is added as `next`, which is ignored in another
    browser (`is_safe_url`).
    """
    issuer = urlsplit(settings.ORIGIN)
    path = urlunsplit(urlsplit(url)._replace(scheme="", netloc=""))
    parts = urlsplit(next_url.with_next(path, leads_to) if interaction.id_in(leads_to) else path)
    return urlunsplit(parts._replace(scheme=issuer.scheme, netloc=issuer.netloc))


def _is_suspected(request: Any) -> bool:
    return getattr(request, "is_suspected", False)


def _remove_access_of_a_stranger(request: Any, user: Any) -> None:
    """If the user's first login is by an emailed code, removes the password and the identity providers. Somebody else
    may have signed up with this email and set them.

    "Pre-hijacked accounts", Sudhodanan and Paverd, USENIX Security 2022.
    """
    ways = {record["method"] for record in get_authentication_records(request, user)}
    if "code" in ways and not ways & {"password", "socialaccount"}:
        remove_connections(user)
        user.set_unusable_password()
        user.is_upgrading_hash = True  # skips the effects of a password change: nobody has logged in yet
        user.save(update_fields=["password"])
        user.is_upgrading_hash = False
