"""The base class of pages where a logged-in user decides: devices, backchannel requests, connected apps."""

from typing import Any, ClassVar

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View

from oauth.errors import LoginRequired, TooManyRequests
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import LimitReached
from oauth.models.audit_event import origin
from oauth.pages import error_page


class UserPage(View):
    """Requires a login, limits the number of forms (429), and prevents caching."""

    #: The page's name in limits and in the audit log.
    endpoint: ClassVar[str]
    #: Empty means the site's default policy.
    referrer_policy: ClassVar[str] = ""
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            try:
                rate_limits.spend_page(self.endpoint, request)
            except LimitReached as reached:
                return error_page.show(request, TooManyRequests.after(reached.retry_after_seconds))
        try:
            return self._answer(request, *args, **kwargs)
        except LoginRequired as refusal:
            return error_page.show(request, refusal, title=error_page.ANSWER_NOT_SAVED)

    @method_decorator(login_required)
    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with origin(self.endpoint, request):
            page = super().dispatch(request, *args, **kwargs)
        page["Cache-Control"] = "no-store"
        if self.referrer_policy:
            page["Referrer-Policy"] = self.referrer_policy
        return page
