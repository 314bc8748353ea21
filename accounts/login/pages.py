"""The login pages that this site changes. All others are allauth's."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.views import (
    ConfirmEmailView,
    ConfirmLoginCodeView,
    EmailVerificationSentView,
    PasswordResetDoneView,
)
from allauth.account.views import LoginView as AllauthLoginView
from allauth.account.views import PasswordResetView as AllauthPasswordResetView
from allauth.core.ratelimit import respond_429
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts import second_factors
from accounts.addresses.confirmation import send_confirmation_again
from accounts.addresses.forms import ForgottenPasswordForm
from accounts.login import next_url, resending
from accounts.metrics import logins
from accounts.passwords import argon2
from oauth.authorize import interaction
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached


@login_required
def stronger_login(request: HttpRequest) -> HttpResponseBase:
    """Step-up authentication (RFC 9470): redirects to the page of the user's second factor, or to the page that sets
    one up.
    """
    way_back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(way_back, allowed_hosts=None):
        way_back = ""
    factors = second_factors.types_of(request.user)
    page = "mfa_reauthenticate" if "totp" in factors else "mfa_reauthenticate_webauthn"
    if not factors:
        page = "mfa_index"
    query = f"?{urlencode({'next': way_back})}" if way_back else ""
    return HttpResponseRedirect(f"{reverse(page)}{query}")


#: Attempts per minute from one IP address; each computes a password hash.
LOGINS = Limit("logins", 120)


class LoginView(AllauthLoginView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            rate_limits.spend(LOGINS, rate_limits.address_of(request))
        except LimitReached as refusal:
            logins.labels("limited").inc()
            response: HttpResponse = respond_429(request)
            response["Retry-After"] = str(refusal.retry_after_seconds)
            return response
        argon2.require_place()
        with argon2.without_slot(request.META.get("countersign.give_slot_back")):
            answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        """Makes browsers offer passkeys in the email field (WebAuthn §5.1.4, conditional mediation)."""
        form = super().get_form(*args, **kwargs)
        form.fields["login"].widget.attrs["autocomplete"] = "username webauthn"
        url = next_url.with_next(reverse("account_reset_password"), next_url.next_url(self.request))
        form.fields["password"].help_text = format_html('<a href="{}">{}</a>', url, _("Forgot your password?"))
        return form

    def get_initial(self) -> dict[str, Any]:
        """OpenID Connect Core §3.1.2.1: `login_hint` fills in the email field."""
        asking = interaction.asking_client(self.request, next_url.next_url(self.request))
        return {"login": asking.login_hint} if asking and asking.login_hint else super().get_initial()


class CodeView(ConfirmLoginCodeView):
    """Sends another code after a wait."""

    def _resend_form_valid(self, form: Any) -> HttpResponse:
        if resending.is_early(self.request, "code"):
            return HttpResponseRedirect(self.passthrough_next_url(reverse("account_confirm_login_code")), status=303)
        self._remember()
        answer: HttpResponse = super()._resend_form_valid(form)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if not resending.is_remembered(self.request, "code", self._process.state["at"]):
            self._remember()  # the first code, sent before this page
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"wait_seconds": resending.seconds_left(self.request, "code")}

    def _remember(self) -> None:
        state = self._process.state
        resending.remember(self.request, "code", state.get("email") or "", about=state["at"])


class ConfirmationView(ConfirmEmailView):
    """The page behind the link that confirms an address. Opening a link must change nothing: a user who is logged in as
    somebody else stays logged in until they confirm. allauth logs them out as soon as they open it.
    """

    def logout_other_user(self, confirmation: Any) -> None:
        if self.request.method == "POST":
            super().logout_other_user(confirmation)

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """A second click finds a used link, and gets the page that says so."""
        try:
            self.logout_other_user(self.get_object())
            return super().post(*args, **kwargs)
        except Http404:
            return self.get(*args, **kwargs)


class ConfirmationSentView(EmailVerificationSentView):
    """After sign-up, and after a login with an email that is not confirmed yet."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | _sent_again(self.request, "confirmation")

    def post(self, request: HttpRequest) -> HttpResponse:
        email = resending.email_of(request, "confirmation")
        if email and not resending.is_early(request, "confirmation"):
            request.is_sending_again = True  # type: ignore[attr-defined]  # resending.is_under_way reads it
            send_confirmation_again(request, email)  # AccountAdapter.send_mail calls resending.remember
            resending.say_sent(request)
        return HttpResponseRedirect(request.get_full_path(), status=303)


class ResetSentView(PasswordResetDoneView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | _sent_again(self.request, "reset")

    def post(self, request: HttpRequest) -> HttpResponse:
        email = resending.email_of(request, "reset")
        if email and not resending.is_early(request, "reset"):
            form = ForgottenPasswordForm({"email": email})
            if form.is_valid():
                form.save(request)
            resending.remember(request, "reset", email)
            resending.say_sent(request)
        return HttpResponseRedirect(request.get_full_path(), status=303)


def _sent_again(request: HttpRequest, page: str) -> dict[str, Any]:
    email = resending.email_of(request, page)
    return {"sent_to": email, "wait_seconds": resending.seconds_left(request, page)}


class PasswordResetView(AllauthPasswordResetView):
    def form_valid(self, form: Any) -> HttpResponse:
        resending.remember(self.request, "reset", form.cleaned_data["email"])
        answer: HttpResponse = super().form_valid(form)
        return answer

    def get_success_url(self) -> str:
        """Ignores `next`; the link in the email has it."""
        return reverse("account_reset_password_done")
