"""The pages at the `type` of a problem document (RFC 9457 §3.1.1): cause, solution and an example."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from banking.api.explanations import EXPLANATIONS, shown
from banking.api.problem_types import PROBLEMS


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    if code not in EXPLANATIONS:
        raise Http404
    explanation = EXPLANATIONS[code]
    page = {
        "code": code,
        "heading": PROBLEMS[code][0],
        "status": explanation.status,
        "cause": _marked(explanation.cause),
        "remedy": _marked(explanation.remedy),
        "example": shown(code, explanation, issuer=settings.ISSUER),
    }
    return render(request, "banking/problem.html", page)


def _marked(text: str) -> SafeString:
    """Marks text between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )
