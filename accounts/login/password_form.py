"""The login form for email and password."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse

from accounts import notices
from accounts.login import guessing


class PasswordForm(LoginForm):
    def _clean_with_password(self, credentials: dict[str, Any]) -> Any:
        """If guessing is suspected, accepts any password, so that the next page does not reveal if it was correct."""
        email = credentials["email"]
        self.is_suspected = guessing.is_suspected(self.request, email)
        if not self.is_suspected:
            return super()._clean_with_password(credentials)
        self.user = get_adapter(self.request).authenticate(self.request, **credentials)
        notices.enqueue_notice_of_guesses(email, self.request)
        self._login = Login(user=self.user, email=email)
        guessing.demand_code(self._login)
        return self.cleaned_data

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        answer: HttpResponse
        if not self.is_suspected:
            answer = super().login(request, redirect_url)
            return answer
        self._login.redirect_url = redirect_url
        if self.user is not None:
            record_authentication(request, self.user, method="password", email=self._login.email)
        request.session.set_expiry(0)
        request.is_suspected = True  # type: ignore[attr-defined]  # the login page reads it
        answer = perform_login(request, self._login)
        return answer
