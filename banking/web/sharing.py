"""The page for sharing an account: its users, invitations, and its name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from banking.account_life import access, invitations, naming
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, AccountAccess, AccountInvitation, Role
from banking.models.role import HOLDING, MAY_INVITE
from banking.payments.refusals import StrongProofNeeded
from banking.web.forms import clean_text
from banking.web.refusals import message_of, status_of
from banking.web.user import account_or_404, id_of, is_fresh, page, prove_it

#: The session key of an invitation that waits until its user has logged in again.
_TYPED = "bank.invitation"
#: For each role, the text about its permissions.
MAY = {
    Role.OWNER: gettext_lazy("Owns the account"),
    Role.HOLDER: gettext_lazy("Holds the account jointly: sees it, pays, and shares it with others"),
    Role.DELEGATE: gettext_lazy("Sees the account and pays from it"),
    Role.READER: gettext_lazy("Sees the account"),
}


class InvitationForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("Email address"), max_length=254)
    role = forms.ChoiceField(label=gettext_lazy("What they may do"))

    def __init__(self, *args: Any, roles: tuple[Role, ...], **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["role"].choices = [(str(one), MAY[one]) for one in reversed(roles)]  # type: ignore[attr-defined]  # a ChoiceField


class NameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name of the account"), max_length=100, widget=forms.TextInput({"autocomplete": "off"})
    )

    def clean_name(self) -> str:
        return clean_text(self.cleaned_data["name"])


@dataclass(frozen=True, slots=True)
class _Shown:
    access: AccountAccess
    name: str
    may: str
    may_end: bool
    is_self: bool


@require_http_methods(["GET", "HEAD", "POST"])
@page
def sharing(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    """A new invitation needs a fresh login. The session keeps the input until then. Delegates and readers see only
    themselves.
    """
    account = account_or_404(request, account_id)
    roles = invitations.may_invite(account.pk, id_of(request))
    typed = request.POST if request.method == "POST" else None
    initial = request.session.pop(_TYPED, None) if typed is None else None
    form = InvitationForm(typed, roles=roles, initial=initial)
    status = 400 if form.is_bound else 200
    if form.is_valid():
        given = form.cleaned_data
        try:
            in_transaction(
                lambda: invitations.invite(
                    account.pk, given["email"], given["role"], by=id_of(request), is_proven=is_fresh(request)
                )
            )
        except StrongProofNeeded:
            request.session[_TYPED] = {"email": given["email"], "role": given["role"]}
            return prove_it(request.path)
        except Refusal as refusal:
            form.add_error(None, message_of(refusal))
            status = status_of(refusal)
        else:
            messages.success(request, _("Invited. If they bank with us, they get an email."))
            return HttpResponseRedirect(request.path, status=303)
    context = {
        "account": account,
        "users": _users(account, id_of(request)),
        "invitations": [(one, MAY[Role(one.role)], one.role in roles) for one in invitations.open_ones(account.pk)]
        if account.role in HOLDING
        else [],
        "form": form if roles else None,
        "name_form": NameForm(initial={"name": account.name}, label_suffix="") if account.role == Role.OWNER else None,
        "needs_proof": not is_fresh(request),
    }
    return render(request, "bank/sharing.html", context, status=status)


@require_POST
@page
def rename(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    form = NameForm(request.POST)
    if form.is_valid():
        naming.rename(account_id, form.cleaned_data["name"], by=id_of(request))
        messages.success(request, _("Saved."))
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return HttpResponseRedirect(reverse("bank:sharing", args=[account_id]), status=303)


@require_POST
@page
def end(request: HttpRequest, account_id: UUID, user_id: UUID) -> HttpResponseBase:
    """Ends an access: the user's own, or one that the user could have given."""
    account_or_404(request, account_id)
    is_self = user_id == id_of(request)
    here = reverse("bank:accounts") if is_self else reverse("bank:sharing", args=[account_id])
    return _do(
        request, here, lambda: access.end_access(account_id, user_id, by=id_of(request)), _("The access has ended.")
    )


@require_POST
@page
def accept(request: HttpRequest, invitation_id: UUID) -> HttpResponseBase:
    """The invitation to a joint account needs a fresh login. The user then accepts again."""
    here, is_proven = reverse("bank:accounts"), is_fresh(request)
    done = _("Accepted. The account is among yours now.")
    try:
        return _do(
            request, here, lambda: invitations.accept(invitation_id, by=id_of(request), is_proven=is_proven), done
        )
    except StrongProofNeeded:
        return prove_it(here)


@require_POST
@page
def decline(request: HttpRequest, invitation_id: UUID) -> HttpResponseBase:
    here = reverse("bank:accounts")
    return _do(request, here, lambda: invitations.decline(invitation_id, by=id_of(request)), _("Declined."))


@require_POST
@page
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponseBase:
    invitation = AccountInvitation.objects.filter(pk=invitation_id).first()
    if invitation is None:
        raise Http404
    here = reverse("bank:sharing", args=[invitation.account_id])
    return _do(request, here, lambda: invitations.withdraw(invitation_id, by=id_of(request)), _("Withdrawn."))


def _do(request: HttpRequest, way_back: str, act: Callable[[], object], done: str) -> HttpResponseRedirect:
    try:
        in_transaction(act)
        messages.success(request, done)
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return HttpResponseRedirect(way_back, status=303)


def _users(account: Account, user_id: UUID) -> list[_Shown]:
    rows = AccountAccess.objects.filter(account=account).select_related("user").order_by("id")
    if account.role not in HOLDING:
        rows = rows.filter(user=user_id)
    gives = MAY_INVITE.get(Role(account.role), ())
    return [
        _Shown(
            one,
            one.user.get_full_name() or getattr(one.user, one.user.get_email_field_name()),
            str(MAY[Role(one.role)]),
            one.role != Role.OWNER and (one.user_id == user_id or one.role in gives),
            one.user_id == user_id,
        )
        for one in rows
    ]
