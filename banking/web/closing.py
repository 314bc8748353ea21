"""Closing an account, and ending the dormancy of an account."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from banking import end_of_day
from banking.account_life import closing, dormancy
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, Role, ScheduledTransfer
from banking.payments.refusals import StrongProofNeeded
from banking.web.forms import distinct_names
from banking.web.refusals import message_of, status_of
from banking.web.user import account_or_404, id_of, is_fresh, page, prove_it


@require_http_methods(["GET", "HEAD", "POST"])
@page
def close(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    """Only for the owner of an open account. Needs a fresh login."""
    account = account_or_404(request, account_id)
    if account.role != Role.OWNER or account.status != Account.Status.OPEN:
        raise Http404
    problem, status = "", 200
    others = list(closing.others_of(account))
    if request.method == "POST":
        chosen = {str(one.pk): one.pk for one in others}.get(request.POST.get("other", ""))
        try:
            in_transaction(
                lambda: closing.close(account.pk, by=id_of(request), is_proven=is_fresh(request), other_id=chosen)
            )
        except StrongProofNeeded:
            return prove_it(request.path)
        except Refusal as refusal:
            problem, status = message_of(refusal), status_of(refusal)
        else:
            messages.success(request, _("The account is closed. You can still read its statements."))
            return HttpResponseRedirect(reverse("bank:account", args=[account.pk]), status=303)
    final_minor = end_of_day.final_charges(account).amount_minor
    rest_minor = account.posted_minor + final_minor
    context = {
        "account": account,
        "is_empty": account.held_minor == 0 and 0 in (account.posted_minor, rest_minor),
        "earned_minor": max(final_minor, 0),
        "owed_minor": max(-final_minor, 0),
        "needs_other": rest_minor != 0,
        "others": list(distinct_names(others).items()),
        "orders": ScheduledTransfer.objects.filter(source=account, status__in=ScheduledTransfer.OPEN).count(),
        "needs_proof": not is_fresh(request),
        "problem": problem,
    }
    return render(request, "bank/close.html", context, status=status)


@require_POST
@page
def reactivate(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    """Needs a fresh login, after which the user presses the button again."""
    account = account_or_404(request, account_id)
    here = reverse("bank:account", args=[account.pk])
    try:
        in_transaction(lambda: dormancy.reactivate(account.pk, by=id_of(request), is_proven=is_fresh(request)))
        messages.success(request, _("You can pay from the account again."))
    except StrongProofNeeded:
        return prove_it(here)
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return HttpResponseRedirect(here, status=303)
