"""The pages at the `type` of a problem document (RFC 9457 §3.1.1)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from banking.api.problem_types import PROBLEMS


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    if code not in PROBLEMS:
        raise Http404
    title, advice = PROBLEMS[code]
    return render(request, "banking/problem.html", {"code": code, "heading": title, "advice": advice})
