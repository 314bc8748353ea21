"""The page on which the user chooses the emails of the bank."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from banking.notices import topics
from banking.notices.topics import Topic
from banking.web.user import id_of, page, see_other


class AlertsForm(forms.Form):
    topics = forms.MultipleChoiceField(
        label=gettext_lazy("Send me an email when"),
        choices=Topic.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page
def alerts(request: HttpRequest) -> HttpResponseBase:
    """`topics` are those that the user wants."""
    if request.method != "POST":
        wanted = [topic.value for topic in topics.wanted_by(id_of(request))]
        return render(request, "bank/alerts.html", {"form": AlertsForm(initial={"topics": wanted}, label_suffix="")})
    form = AlertsForm(request.POST, label_suffix="")
    if not form.is_valid():
        return render(request, "bank/alerts.html", {"form": form}, status=400)
    topics.choose(id_of(request), {Topic(value) for value in form.cleaned_data["topics"]})
    messages.success(request, _("Saved."))
    return see_other("bank:alerts")
