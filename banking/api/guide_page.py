"""The guides of the developer portal, in English. They explain what the schema of the API cannot express."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from banking.api.changes import CHANGES
from banking.api.explanations import EXPLANATIONS
from banking.api.problem_types import PROBLEMS
from banking.payments.strong_proof import PLAY_MONEY_LIMIT_MINOR
from banking.second_bank.amounts import NAMED
from oauth.clients.self_service.sandbox import MOST_USERS

#: slug -> (title, one sentence).
GUIDES = {
    "sandbox": ("Sandbox", "Users with play money, and what they cannot do."),
    "idempotency": ("Idempotency", "Repeat a payment without paying twice."),
    "step-up": ("Step-up", "When a user must log in again, and how your app notices."),
    "webhooks": ("Webhooks", "Register a webhook, verify messages, and answer them."),
    "errors": ("Errors", "One format, one ID, and a page for each problem."),
    "going-live": ("Going live", "What our staff look at, and how to change a live app."),
    "changes": ("Changes of the API", "What was added, and what will be removed."),
}


@require_safe
def guide(request: HttpRequest, slug: str = "") -> HttpResponse:
    if slug and slug not in GUIDES:
        raise Http404
    title, text = GUIDES.get(slug, ("Guides", "What the API reference does not explain."))
    context = {
        "slug": slug,
        "title": title,
        "text": text,
        "guides": [(one, *about) for one, about in GUIDES.items()],
        "issuer": settings.ISSUER,
        "minutes": int(settings.STEP_UP_MAX_AGE.total_seconds() // 60),
        "problems": [(code, EXPLANATIONS[code].status, PROBLEMS[code]) for code in PROBLEMS if code in EXPLANATIONS],
        "changes": CHANGES,
        "play_limit": PLAY_MONEY_LIMIT_MINOR // 100,
        "most_users": MOST_USERS,
        "named": [(ending, one.what) for ending, one in NAMED.items()] if settings.BANK_SANDBOX else [],
    }
    return render(request, "banking/guide.html", context)
