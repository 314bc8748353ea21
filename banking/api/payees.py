"""GET and POST /payees, GET and DELETE /payees/{id}, POST /payee-checks."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.response import Response

from banking.api.cursors import PAGE, Page
from banking.api.money import StrictCharField, StrictSerializer
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.consents.transfer import TRANSFER
from banking.models import Payee
from banking.notation import iban
from banking.notation.timestamps import timestamp
from banking.payments import payee_check, payee_lookups, payees
from banking.payments.strong_proof import StrongProofNeeded
from oauth.infrastructure.rate_limits import Limit
from oauth.resource_server import InsufficientUserAuthentication, TokenRequest, is_authenticated_since, require_live

_FIELDS = ("id", "name", "iban", "created_at")


class PayeeSerializer(StrictSerializer):
    """Whom to pay: `{"scheme": "iban", "identifier", "name"}`."""

    scheme = serializers.ChoiceField(["iban"])
    identifier = StrictCharField(max_length=42)
    name = StrictCharField(max_length=140)

    def validate_identifier(self, value: str) -> str:
        if not iban.is_valid(iban.compact(value)):
            raise serializers.ValidationError("This is no IBAN: its form or check digits are wrong.")
        return iban.compact(value)


class PayeeList(BankView):
    required_scopes = {"GET": ["payees:read"], "POST": ["payees:write"]}
    query_parameters = {"GET": PAGE}

    def get(self, request: TokenRequest) -> Response:
        page = Page(request, "payees")
        payees = _visible(request)
        if page.after is not None:
            payees = payees.filter(id__lt=UUID(page.after))
        rows = payees.order_by("-id").values(*_FIELDS)[: page.limit + 1]
        return Response(page.envelope([_shown(row) for row in rows], key="id"))

    def post(self, request: TokenRequest) -> Response:
        """Stored at once, and trusted with larger amounts after NEW_PAYEE_PERIOD. A new one needs a user who has just
        logged in (RFC 9470); one that is there already is answered 200, its name as it was."""
        serializer = PayeeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        user_id = user_or_404(request)
        require_live(request.token)
        is_proven = is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE)
        try:
            payee, is_new = payees.store(user_id, iban=given["identifier"], name=given["name"], is_proven=is_proven)
        except StrongProofNeeded:
            raise InsufficientUserAuthentication(acr_values=(), max_age=settings.STEP_UP_MAX_AGE) from None
        shown = _shown({field: getattr(payee, field) for field in _FIELDS})
        answer = Response(shown, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)
        answer["Location"] = f"/api/v1/payees/{payee.pk}"
        return answer


class PayeeDetail(BankView):
    required_scopes = {"GET": ["payees:read"], "DELETE": ["payees:write"]}

    def get(self, request: TokenRequest, payee_id: str) -> Response:
        row = _visible(request).filter(pk=uuid_or_404(payee_id)).values(*_FIELDS).first()
        if row is None:
            raise Http404
        return Response(_shown(row))

    def delete(self, request: TokenRequest, payee_id: str) -> Response:
        """Stored again later, a payee is new again."""
        if not _visible(request).filter(pk=uuid_or_404(payee_id)).update(removed_at=timezone.now()):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


class PayeeCheck(BankView):
    """Few at a time: an answer says whether somebody has an account here. Beside its own limit it spends the user's
    budget of all such answers."""

    required_scopes = {"POST": ["transfers:write"]}
    limit = Limit("payee-checks", 30)

    def post(self, request: TokenRequest) -> Response:
        serializer = PayeeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        payee_lookups.spend(user_or_404(request))
        match = payee_check.check(serializer.validated_data["identifier"], serializer.validated_data["name"])
        return Response({"result": match.result, "name": match.name})


def _visible(request: TokenRequest) -> QuerySet[Payee]:
    """The person's own, whichever app stored them; a token for single transfers (RFC 9396) has none."""
    claims = request.claims
    if claims.user_id is None or any(detail["type"] == TRANSFER for detail in claims.authorization_details):
        return Payee.objects.none()
    return Payee.objects.current().filter(user_id=claims.user_id)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "scheme": "iban",
        "identifier_masked": iban.masked(row["iban"]),
        "created_at": timestamp(row["created_at"]),
    }
