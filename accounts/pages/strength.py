"""Rates a new password while the user types it: its strength, and the rules that it breaks.

Applies the same rules as the form, so the meter never accepts a password that the form refuses. The page sends the
password in the request body, as the form does. It is neither stored nor logged.
"""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.passwords import strength
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

#: Requests per minute of one user or IP address.
ASKED = Limit("password-strength", 120)
LONGEST = 128


@sensitive_post_parameters("password")
@never_cache
@require_POST
def password_strength(request: HttpRequest) -> JsonResponse:
    """Returns `score` (0 to 4), `says` (the score in words) and `problems` (the rules that the password breaks)."""
    user = request.user if isinstance(request.user, User) else None
    try:
        rate_limits.spend(ASKED, str(user.pk) if user else rate_limits.address_of(request))
    except LimitReached as refusal:
        return JsonResponse({}, status=429, headers={"Retry-After": str(refusal.retry_after_seconds)})
    if user is None:
        user = User(email=request.POST.get("email", "")[:254], name=request.POST.get("name", "")[:150])
    password = request.POST.get("password", "")[:LONGEST]
    try:
        validate_password(password, user)
        problems: list[str] = []
    except ValidationError as refusal:
        problems = list(refusal.messages)
    score = strength.score(password, strength.words_of(user))
    score = min(score, strength.LEAST_SCORE - 1) if problems else score
    words = (_("Very weak"), _("Weak"), _("Fair"), _("Good"), _("Strong"))
    return JsonResponse({"score": score, "says": words[score], "problems": problems})
