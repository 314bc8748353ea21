"""What holds for all pages of log-in, ours and allauth's alike."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from oauth.authorize import interaction
from oauth.conf import conf

_WAYS_BACK = tuple(
    f"/accounts/{page}/" for page in ("login", "signup", "reauthenticate", "stronger", "2fa", "social", "confirm-email")
)
# A page with one button and nothing to steal, which leads to wherever the identity provider logs people in.
_WAYS_OUT = "/accounts/oidc/"


class LetFormsReturnToTheApp:
    """Browsers apply CSP `form-action` to the redirects after a form as well: log-in, second factor or proving it
    again -> /oauth/authorize -> the app. Inside of CSPMiddleware, which merges this into the site's policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Before the view, which may end the session that the interaction is kept in.
        asking = interaction.asking_client(request) if request.path.startswith(_WAYS_BACK) else None
        response = self.get_response(request)
        sources = list(asking.form_action) if asking else []
        if request.path.startswith(_WAYS_OUT):
            sources = ["https:", *(f"http://{host}" for host in conf.OUTBOUND_ALLOWED_HOSTS)]
        if sources:
            response._csp_update = {"form-action": sources}  # type: ignore[attr-defined]
        return response
