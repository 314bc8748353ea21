"""GET and DELETE /consent: what the token may do, and ending it."""

from typing import Any

from django.conf import settings

from banking.api.operation import operation
from banking.api.representations import Consent
from banking.api.responses import NoContent, Ok
from banking.api.views import BankView
from banking.models import Account
from banking.notation.timestamps import Timestamp, timestamp
from banking.payments import new_payee_limit, strong_proof
from oauth.resource_server import InvalidToken, TokenRequest, authorization_of, end_authorization


class ConsentView(BankView):
    """Needs no scope, because the answer only describes the token."""

    tag = "Consent"
    required_scopes = {"GET": [], "DELETE": []}

    @operation("What this token may do")
    def get(self, request: TokenRequest) -> Ok[Consent]:
        authorization = authorization_of(request.token)
        if authorization is None:
            raise InvalidToken("The authorization behind this token has ended.")
        claims = request.claims
        accounts = Account.objects.visible_to(request.token).order_by("id").values_list("id", flat=True)
        return Ok(
            {
                "client": {"id": authorization.client_id, "name": authorization.client_name},
                "scopes": sorted(claims.scopes),
                "authorization_details": [dict(detail) for detail in claims.authorization_details],
                "accounts": list(accounts[: settings.BANK_MOST_LISTED_ACCOUNTS]),
                "limits": [
                    {
                        "currency": currency,
                        "fresh_log_in_from_minor_units": strong_proof.limit_of(currency),
                        "new_payee_minor_units": new_payee_limit.limit_of(currency),
                    }
                    for currency in sorted(settings.STEP_UP_AMOUNT_MINOR)
                ],
                "granted_at": _time(authorization.granted_at),
                "expires_at": _time(authorization.expires_at),
                # Access ends unless the user allows it again (SCA-RTS art. 10a), so both members have the same time.
                "confirm_by": _time(authorization.expires_at) if claims.user_id else None,
            }
        )

    @operation("End the app's access")
    def delete(self, request: TokenRequest) -> NoContent:
        """Ends the authorization; its tokens stop working within seconds. Needs a token that was issued to the app
        itself, with all its scopes: a token that was exchanged (RFC 8693) or narrowed is refused with 403.
        """
        if not end_authorization(request.token):
            raise InvalidToken("This API cannot end the authorization; revoke the token at the authorization server.")
        return NoContent()


def _time(at: Any) -> Timestamp | None:
    return timestamp(at) if at else None
