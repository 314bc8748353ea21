"""Pages of login that are ours; the others are allauth's."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.views import LoginView as AllauthLoginView
from allauth.account.views import PasswordResetView as AllauthPasswordResetView
from allauth.core.ratelimit import respond_429
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts import second_factors
from accounts.login import way_on
from accounts.metrics import logins
from oauth.authorize import interaction
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached


@login_required
def stronger_login(request: HttpRequest) -> HttpResponseBase:
    """Asks for more than a password (RFC 9470): redirects to the page of the second factor that this user has."""
    way_back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(way_back, allowed_hosts=None):
        way_back = ""
    factors = second_factors.types_of(request.user)
    page = "mfa_reauthenticate" if "totp" in factors else "mfa_reauthenticate_webauthn"
    if not factors:
        page = "mfa_index"
    query = f"?{urlencode({'next': way_back})}" if way_back else ""
    return HttpResponseRedirect(f"{reverse(page)}{query}")


#: From one IP address in a minute, because each computes a hash.
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
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        """Browsers offer passkeys in the email field (WebAuthn §5.1.4, conditional mediation)."""
        form = super().get_form(*args, **kwargs)
        form.fields["login"].widget.attrs["autocomplete"] = "username webauthn"
        url = way_on.with_next(reverse("account_reset_password"), way_on.way_on(self.request))
        form.fields["password"].help_text = format_html('<a href="{}">{}</a>', url, _("Forgot your password?"))
        return form

    def get_initial(self) -> dict[str, Any]:
        """OpenID Connect Core §3.1.2.1: `login_hint` only fills in the field."""
        asking = interaction.asking_client(self.request, way_on.way_on(self.request))
        return {"login": asking.login_hint} if asking and asking.login_hint else super().get_initial()


class PasswordResetView(AllauthPasswordResetView):
    def get_success_url(self) -> str:
        """Not `next`, to which only the link in the email leads."""
        return reverse("account_reset_password_done")
