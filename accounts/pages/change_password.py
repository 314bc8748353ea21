"""The well-known URL that password managers open to change a password (W3C, A Well-Known URL for Changing Passwords
§2).
"""

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe


@require_safe
def change_password(request: HttpRequest) -> HttpResponseRedirect:
    """Redirects with 302, because the URL of the page may change. The page requires a login."""
    return HttpResponseRedirect(reverse("account_change_password"))
