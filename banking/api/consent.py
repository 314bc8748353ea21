"""GET and DELETE /consent: what this token may do, and giving it back."""

from typing import Any

from django.conf import settings
from rest_framework import status
from rest_framework.response import Response

from banking.api.views import BankView
from banking.models import Account
from banking.notation.timestamps import timestamp
from oauth.resource_server import InvalidToken, TokenRequest, authorization_of, end_authorization


class ConsentView(BankView):
    """For whoever has a valid token: it tells only what that token is."""

    required_scopes = {"GET": [], "DELETE": []}

    def get(self, request: TokenRequest) -> Response:
        authorization = authorization_of(request.token)
        if authorization is None:
            raise InvalidToken("The authorization behind this token has ended.")
        claims = request.claims
        accounts = Account.objects.visible_to(request.token).order_by("id").values_list("id", flat=True)
        return Response(
            {
                "client": {"id": authorization.client_id, "name": authorization.client_name},
                "scopes": sorted(claims.scopes),
                "authorization_details": [dict(detail) for detail in claims.authorization_details],
                "accounts": list(accounts[: settings.BANK_MOST_LISTED_ACCOUNTS]),
                "limits": {
                    "fresh_log_in_from_minor_units": settings.STEP_UP_AMOUNT_MINOR,
                    "new_payee_minor_units": settings.NEW_PAYEE_LIMIT_MINOR,
                },
                "granted_at": _time(authorization.granted_at),
                "expires_at": _time(authorization.expires_at),
                # Access ends unless the person allows it anew (SCA-RTS art. 10a), so both are one moment.
                "confirm_by": _time(authorization.expires_at) if claims.user_id else None,
            }
        )

    def delete(self, request: TokenRequest) -> Response:
        """Every token of the authorization is over; the person sees the app gone from their list."""
        if not end_authorization(request.token):
            raise InvalidToken("This API cannot end the authorization; revoke the token at the authorization server.")
        return Response(status=status.HTTP_204_NO_CONTENT)


def _time(at: Any) -> str | None:
    return timestamp(at) if at else None
