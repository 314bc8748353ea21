"""What the views of the API share: privacy of answers, and the account that the path names."""

from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.views import APIView

from banking.api.json import StrictJSONParser
from banking.models import Account


class BankView(APIView):
    """Every answer is one person's: no cache keeps it."""

    parser_classes = [StrictJSONParser]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class NotHere(BankView):
    """Addresses under /api/v1 that do not exist, told to whoever asks, with a token or without."""

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


def uuid_or_404(value: str) -> UUID:
    """A malformed id is an unknown id."""
    try:
        return UUID(value)
    except ValueError:
        raise Http404 from None


def account_or_404(request: Request, account_id: str, *fields: str, action: str) -> dict[str, Any]:
    """`fields` of an account that the token may see for this. One query; not yours and unknown are alike."""
    visible = Account.objects.visible_to(request.auth, action)  # type: ignore[arg-type]
    account = visible.filter(pk=uuid_or_404(account_id)).values("id", "currency", *fields).first()
    if account is None:
        raise Http404
    return account
