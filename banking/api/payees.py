"""GET and POST /payees, GET and DELETE /payees/{id}, POST /payee-checks."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.response import Response

from banking.api.cursors import PAGE, Page
from banking.api.money import StrictCharField, StrictSerializer
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.consents.single_transfer import transfer_details
from banking.models import Payee
from banking.notation import iban
from banking.notation.timestamps import timestamp
from banking.payments import payee_lookups
from banking.payments.payee_confirmation import confirm_payee
from banking.payments.payees import store_payee
from oauth.infrastructure.rate_limits import Limit
from oauth.resource_server import TokenRequest, is_authenticated_since, require_live

_FIELDS = ("id", "name", "iban", "created_at")


class PayeeSerializer(StrictSerializer):
    """`{"scheme": "iban", "identifier", "name"}`."""

    scheme = serializers.ChoiceField(["iban"])
    identifier = StrictCharField(max_length=42)
    name = StrictCharField(max_length=140)

    def validate_identifier(self, value: str) -> str:
        if not iban.is_valid(iban.compact(value)):
            raise serializers.ValidationError("Must be a valid IBAN: its form or its check digits are wrong.")
        return iban.compact(value)


class PayeeList(BankView):
    required_scopes = {"GET": ["payees:read"], "POST": ["payees:write"]}
    query_parameters = {"GET": PAGE}

    def get(self, request: TokenRequest) -> Response:
        page = Page(request, "payees")
        rows = page.newest_first(_visible(request).values(*_FIELDS))
        return Response(page.envelope([_represent(row) for row in rows], key="id"))

    def post(self, request: TokenRequest) -> Response:
        """Stores a payee; larger amounts are possible after NEW_PAYEE_PERIOD. A new one needs a user who has just
        logged in (RFC 9470). One that is stored already is answered with 200 and keeps its name."""
        serializer = PayeeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        user_id = user_or_404(request)
        require_live(request.token)
        is_proven = is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE)
        payee, is_new = store_payee(user_id, iban=given["identifier"], name=given["name"], is_proven=is_proven)
        body = _represent({field: getattr(payee, field) for field in _FIELDS})
        answer = Response(body, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)
        answer["Location"] = f"/api/v1/payees/{payee.pk}"
        return answer


class PayeeDetail(BankView):
    required_scopes = {"GET": ["payees:read"], "DELETE": ["payees:write"]}

    def get(self, request: TokenRequest, payee_id: str) -> Response:
        row = _visible(request).filter(pk=uuid_or_404(payee_id)).values(*_FIELDS).first()
        if row is None:
            raise Http404
        return Response(_represent(row))

    def delete(self, request: TokenRequest, payee_id: str) -> Response:
        """A payee that is stored again later is new again."""
        if not _visible(request).filter(pk=uuid_or_404(payee_id)).update(removed_at=timezone.now()):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


class PayeeCheck(BankView):
    """An answer tells whether somebody has an account here. Therefore it has a limit of its own, and also spends the
    user's budget for such answers."""

    required_scopes = {"POST": ["transfers:write"]}
    limit = Limit("payee-checks", 30)

    def post(self, request: TokenRequest) -> Response:
        serializer = PayeeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        payee_lookups.spend(user_or_404(request))
        match = confirm_payee(serializer.validated_data["identifier"], serializer.validated_data["name"])
        return Response({"result": match.result, "name": match.name})


def _visible(request: TokenRequest) -> QuerySet[Payee]:
    """The user's payees, whichever app stored them; none for a token for single transfers (RFC 9396)."""
    claims = request.claims
    if claims.user_id is None or transfer_details(claims.authorization_details):
        return Payee.objects.none()
    return Payee.objects.current().filter(user_id=claims.user_id)


def _represent(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "scheme": "iban",
        "identifier_masked": iban.masked(row["iban"]),
        "created_at": timestamp(row["created_at"]),
    }
