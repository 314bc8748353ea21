"""Our wishes to allauth: one spelling of an e-mail address, own links only."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sites.requests import RequestSite
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import addresses, after_answer, changes, guessing, known_device, mail_limit, notices, recent_proof
from accounts.models import User, UserManager
from accounts.upstream import proof

# accounts.changes and accounts.second_factors tell of these, whichever page, command or member of staff causes them.
_TOLD_WHERE_IT_HAPPENS = {
    "password_changed", "password_set", "password_reset", "email_changed", "totp_deactivated", "webauthn_removed",
}  # fmt: skip


class AccountAdapter(DefaultAccountAdapter):
    def clean_email(self, email: str) -> str:
        """NFKC and lower case, as the User stores it: one user account for all spellings of an email."""
        return super().clean_email(UserManager.normalize_email(email))

    def is_safe_url(self, url: str | None) -> bool:
        """Redirects after log-in stay on this site: paths only, no host at all (RFC 9700 §4.11)."""
        return url is not None and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def pre_authenticate(self, request: Any, **credentials: Any) -> None:
        """Nobody is refused before the password is looked at; accounts.guessing asks for a code instead."""

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        """The right password of somebody who only claims the address is a wrong one."""
        user = super().authenticate(request, **credentials)
        if user is not None and addresses.owner(credentials.get("email", "")) != user:
            self.authentication_failed(request, **credentials)
            return None
        return user

    def authentication_failed(self, request: Any, **credentials: Any) -> None:
        guessing.count(request, credentials.get("email", ""))

    def get_login_stages(self) -> list[str]:
        ours = {"allauth.mfa.stages.AuthenticateStage": "accounts.trusted_browsers.SecondStep"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def is_login_by_code_required(self, login: Any) -> bool:
        return guessing.demands_code(login) or super().is_login_by_code_required(login)

    def reauthenticate(self, user: Any, password: str) -> bool:
        """Whoever sits at a browser that is logged in may not guess on: to log out and in again is always possible."""
        if guessing.is_proof_refused(user):
            raise self.validation_error("too_many_login_attempts")
        is_right: bool = user.check_password(password)
        if not is_right:
            guessing.count_proof(user)
        return is_right

    def add_message(self, request: Any, level: int, message_template: str | None = None, *args: Any, **kw: Any) -> None:
        """Of a code that guessing has called for, the page itself says what there is to say."""
        if not (_is_suspected(request) and message_template == "account/messages/login_code_sent.txt"):
            super().add_message(request, level, message_template, *args, **kw)

    def login(self, request: Any, user: Any) -> None:
        """Every way in ends here, second factor and all. The very first log-in is no news to anybody."""
        is_news = user.last_login is not None and known_device.of(request, user.email) is None
        if user.last_login is None:
            _forget_a_stranger(request, user)
        super().login(request, user)
        if is_news:
            notices.tell_later("new_device", user, request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who has just logged in is not asked again."""
        return super().is_reauthentication_required(app=app, **kwargs) and not recent_proof.exists(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has neither password nor second factor here proves it where they log in."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return methods or proof.ways(user)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Told by the worker; allauth's names for what happened are kept."""
        kind = template_prefix.rpartition("/")[2]
        if kind not in _TOLD_WHERE_IT_HAPPENS:
            notices.tell_later(kind, user, self.request, to=email or "")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Links in mails lead to the issuer, whatever Host the request claimed (ZITADEL CVE-2025-64101)."""
        suspected = _is_suspected(self.request)
        if suspected and template_prefix != "account/email/login_code":
            return  # a wrong password: there is nothing to send
        if mail_limit.is_reached(self.request, email, is_proven=suspected):
            return
        for name, value in context.items():
            if name.endswith("_url") and isinstance(value, str):
                context[name] = _on_issuer(value)
        context["current_site"] = _IssuerSite()
        context = {"request": self.request, "email": email, **context}
        message = self.render_mail(template_prefix, email, context)
        if suspected:
            after_answer.do(self.request, message.send)
        else:
            message.send()

    def format_email_subject(self, subject: str) -> str:
        return subject

    def save_user(self, request: Any, user: AbstractBaseUser, form: Any, commit: bool = True) -> AbstractBaseUser:
        assert isinstance(user, User)
        user.name = form.cleaned_data.get("name", "")
        return super().save_user(request, user, form, commit)


class _IssuerSite(RequestSite):
    def __init__(self) -> None:
        self.domain = urlsplit(settings.ISSUER).netloc
        self.name = "Countersign"


def _on_issuer(url: str) -> str:
    issuer = urlsplit(settings.ISSUER)
    return urlunsplit(urlsplit(url)._replace(scheme=issuer.scheme, netloc=issuer.netloc))


def _is_suspected(request: Any) -> bool:
    return getattr(request, "is_suspected", False)


def _forget_a_stranger(request: Any, user: Any) -> None:
    """The first login of all, by a code from the mailbox: who chose the password may be somebody else.

    ("Pre-hijacked accounts", Sudhodanan and Paverd, USENIX Security 2022.)
    """
    ways = {record["method"] for record in get_authentication_records(request, user)}
    if "code" in ways and not ways & {"password", "socialaccount"}:
        changes.forget_who_signed_up(user)
        user.set_unusable_password()
        user.is_upgrading_hash = True  # nobody has logged in yet: nothing ends, and there is nothing to tell
        user.save(update_fields=["password"])
        user.is_upgrading_hash = False
