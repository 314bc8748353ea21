"""The home page, and the choice of a language."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from oauth.pages import ui_locales


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Sets the language of this browser, like Django's view, and the language of emails to the logged-in user."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        request.user.speak(language)
    answer: HttpResponse = set_language(request)
    ui_locales.forget_all(request, answer)
    return answer
