"""GET and POST /payees, GET and DELETE /payees/{id}, POST /payee-checks."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.urls import get_script_prefix
from django.utils import timezone
from rest_framework import serializers

from banking.api.content_filters import named_in
from banking.api.cursors import PAGE, Page
from banking.api.fields import IBANField, StrictCharField, StrictSerializer
from banking.api.operation import operation
from banking.api.query import SearchText
from banking.api.representations import PageOf, Payee, PayeeCheck
from banking.api.responses import Created, NoContent, Ok
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.consents.single_transfer import transfer_details
from banking.models import Payee as PayeeRow
from banking.notation import iban
from banking.notation.timestamps import timestamp
from banking.payments import payee_lookups
from banking.payments.payee_confirmation import confirm_payee
from banking.payments.payees import store_payee
from oauth.infrastructure.rate_limits import Limit
from oauth.resource_server import TokenRequest, is_authenticated_since, require_live

_FIELDS = ("id", "name", "iban", "created_at")
_TEXT = SearchText("text", "Part of the name; case is ignored.", 100)


class NewPayeeSerializer(StrictSerializer):
    scheme = serializers.ChoiceField(["iban"])
    identifier = IBANField()
    name = StrictCharField(max_length=140)

    def validate_identifier(self, value: str) -> str:
        if not iban.is_valid(iban.compact(value)):
            raise serializers.ValidationError("Must be a valid IBAN: its form or its check digits are wrong.")
        return iban.compact(value)


class PayeeList(BankView):
    tag = "Payees"
    required_scopes = {"GET": ["payees:read"], "POST": ["payees:write"]}
    query_parameters = {"GET": (*PAGE, _TEXT)}
    bodies = {"POST": NewPayeeSerializer}

    @operation("List payees")
    def get(self, request: TokenRequest) -> Ok[PageOf[Payee]]:
        page = Page(request, f"payees|{named_in(request, [_TEXT])}")
        text = _TEXT.value(request)
        payees = _visible(request) if text is None else _visible(request).filter(name__icontains=text)
        rows = page.newest_first(payees.values(*_FIELDS))
        return Ok(page.envelope([_represent(row) for row in rows], key="id"))

    @operation("Store a payee")
    def post(self, request: TokenRequest) -> Ok[Payee] | Created[Payee]:
        """Needs a user who has just logged in (RFC 9470). For a payee that is already stored, the answer is 200, and
        the payee keeps its name. Larger amounts may go to a new payee after 24 hours.
        """
        given = self.body(request)
        user_id = user_or_404(request)
        require_live(request.token)
        is_proven = is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE)
        payee, is_new = store_payee(user_id, iban=given["identifier"], name=given["name"], is_proven=is_proven)
        representation = _represent({field: getattr(payee, field) for field in _FIELDS})
        location = f"{get_script_prefix()}api/v1/payees/{payee.pk}"
        if is_new:
            return Created(representation, location=location)
        answer: Ok[Payee] = Ok(representation)
        answer["Location"] = location
        return answer


class PayeeDetail(BankView):
    tag = "Payees"
    required_scopes = {"GET": ["payees:read"], "DELETE": ["payees:write"]}

    @operation("Read a payee")
    def get(self, request: TokenRequest, payee_id: str) -> Ok[Payee]:
        row = _visible(request).filter(pk=uuid_or_404(payee_id)).values(*_FIELDS).first()
        if row is None:
            raise Http404
        return Ok(_represent(row))

    @operation("Remove a payee")
    def delete(self, request: TokenRequest, payee_id: str) -> NoContent:
        """A payee that is stored again later is new again."""
        if not _visible(request).filter(pk=uuid_or_404(payee_id)).update(removed_at=timezone.now()):
            raise Http404
        return NoContent()


class PayeeCheckView(BankView):
    """An answer reveals whether somebody has an account here. Therefore this operation has its own limit, and also
    counts against the user's limit for such answers.
    """

    tag = "Payees"
    required_scopes = {"POST": ["transfers:write"]}
    bodies = {"POST": NewPayeeSerializer}
    limit = Limit("payee-checks", 30)

    @operation("Check whether a name matches an account")
    def post(self, request: TokenRequest) -> Ok[PayeeCheck]:
        given = self.body(request)
        user_id = user_or_404(request)
        payee_lookups.spend(user_id)
        match = confirm_payee(given["identifier"], given["name"], asked_by=user_id)
        return Ok({"result": match.result, "name": match.name})


def _visible(request: TokenRequest) -> QuerySet[PayeeRow]:
    """The user's payees, whichever app stored them; none for a token for single transfers (RFC 9396)."""
    claims = request.claims
    if claims.user_id is None or transfer_details(claims.authorization_details):
        return PayeeRow.objects.none()
    return PayeeRow.objects.current().filter(user_id=claims.user_id)


def _represent(row: dict[str, Any]) -> Payee:
    return {
        "id": row["id"],
        "name": row["name"],
        "scheme": "iban",
        "identifier_masked": iban.masked(row["iban"]),
        "created_at": timestamp(row["created_at"]),
    }
