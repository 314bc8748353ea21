"""The base class of the authorization and end-session endpoints, which browsers visit."""

import time
from typing import Any, ClassVar, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_noop
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from oauth.audit import metrics, refusals
from oauth.errors import LoginRequired, OAuthError, TooManyRequests
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import LimitReached
from oauth.models.audit_event import origin
from oauth.pages import error_page

Response = TypeVar("Response", bound=HttpResponseBase)


@method_decorator(csrf_exempt, name="dispatch")
class ProtocolPage(View):
    """Shows OAuth errors to the user, and rate-limits, measures and records requests.

    A client's request may come from another site without a CSRF token. Subclasses must check the CSRF token of the
    user's form.
    """

    #: The endpoint's name in logs, metrics and limits.
    endpoint: ClassVar[str]
    #: The title of the error page, a msgid.
    refused_title: ClassVar[str] = gettext_noop("This login link does not work")
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began, outcome = time.perf_counter(), "server_error"
        try:
            with origin(self.endpoint, request):
                answer, outcome = self._answer(request, *args, **kwargs)
            return self.keep_private(answer)
        finally:
            metrics.observe(self.endpoint, "", outcome, since=began)

    @staticmethod
    def keep_private(answer: Response) -> Response:
        """RFC 9700 §4.2, §4.3: prevents leaks through a Referer header or a cache."""
        answer["Cache-Control"] = "no-store"
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> tuple[HttpResponseBase, str]:
        """Returns the response and the outcome, which is `ok` or the error code."""
        try:
            rate_limits.spend_page(self.endpoint, request)  # GET, too, because it may store the request
            return super().dispatch(request, *args, **kwargs), "ok"
        except (OAuthError, LimitReached) as raised:
            refusal = TooManyRequests.after(raised.retry_after_seconds) if isinstance(raised, LimitReached) else raised
            refusals.record(self.endpoint, refusal, request)
            return self.show_refusal(request, refusal), refusal.code

    def show_refusal(self, request: HttpRequest, refusal: OAuthError) -> HttpResponse:
        return error_page.show(request, refusal, title=self.title_of(refusal))

    def title_of(self, refusal: OAuthError) -> str:
        return error_page.ANSWER_NOT_SAVED if isinstance(refusal, LoginRequired) else self.refused_title
