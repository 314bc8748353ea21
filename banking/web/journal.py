"""The access journal for a customer: which apps read an account, how often and when."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from banking import journal
from banking.consents.apps import find_apps
from banking.web.user import account_or_404, id_of, page
from oauth.infrastructure import replica


@require_safe
@page
def apps(request: HttpRequest, account_id: UUID) -> HttpResponse:
    found = account_or_404(request, account_id)
    by_client = replica.read(id_of(request), lambda alias: journal.of_account(request.user, found.pk, using=alias))
    known = find_apps(id_of(request), by_client)
    apps = [
        (known[client_id].name if client_id in known else client_id, lines) for client_id, lines in by_client.items()
    ]
    return render(request, "bank/apps.html", {"account": found, "apps": apps})
