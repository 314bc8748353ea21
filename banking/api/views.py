"""The base of the API's views: private answers, conditional requests, known parameters, the account in the path."""

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api import journal
from banking.api.fields import StrictSerializer
from banking.api.json import StrictJSONParser
from banking.api.openapi.schema import BankSchema
from banking.api.problems import BadRequest
from banking.api.query import HeaderParameter, Parameter
from banking.models import Account
from banking.models.account_queryset import user_id_of
from oauth.infrastructure import replica
from oauth.resource_server import ThrottleToken, TokenRequest, say_limit
from oauth.resource_server.views import TokenView


class BankView(TokenView):
    """Responses are for one user, so shared caches must not store them. An app may store them and revalidate with
    If-None-Match (RFC 9110 §13). The OpenAPI document is generated from these attributes of a view.
    """

    parser_classes = [StrictJSONParser]
    schema = BankSchema()
    limit = ThrottleToken.DEFAULT
    #: The tag of the operation in the OpenAPI document.
    tag: ClassVar[str]
    # The known parameters by method. Others are refused, so that a mistyped filter is never silently ignored.
    required_scopes: Mapping[str, list[str]] = {}
    query_parameters: Mapping[str, tuple[Parameter, ...]] = {}
    # Still accepted, but deprecated and not in the document.
    former_parameters: Mapping[str, tuple[Parameter, ...]] = {}
    header_parameters: Mapping[str, tuple[HeaderParameter, ...]] = {}
    bodies: Mapping[str, type[StrictSerializer]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method is None or request.method not in self.required_scopes:
            return  # DRF answers 405 to an unknown method
        known = [parameter.name for parameter in self.query_parameters.get(request.method, ())]
        former = [parameter.name for parameter in self.former_parameters.get(request.method, ())]
        for name, values in request.query_params.lists():
            if name not in known and name not in former:
                raise BadRequest("unknown_parameter", f"A query parameter is unknown. Known here: {_listed(known)}.")
            if len(values) > 1:
                raise BadRequest("malformed_request", f"{name} must be given once.")

    def body(self, request: Request) -> dict[str, Any]:
        """The validated body. Raises ValidationError."""
        kind, data = self.bodies[str(request.method)], request.data
        try:
            body: dict[str, Any] = _serializer(kind).run_validation(data)
        except ValidationError:
            kind(data=data).is_valid(raise_exception=True)  # DRF produces the error messages
            raise
        return body

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        described = getattr(getattr(self, str(request.method).lower(), None), "operation", None)
        if described and described.deprecation:
            for name, value in described.deprecation.headers().items():
                response[name] = value
        say_limit(request, response, self.limit)
        if request.method not in SAFE_METHODS and not 400 <= response.status_code < 500:
            _mark_written(request)
        journal.note(request, response, self.required_scopes.get(str(request.method), []), kwargs)
        if request.method in ("GET", "HEAD") and response.status_code == 200 and isinstance(response, Response):
            response.add_post_render_callback(lambda rendered: _if_changed(request, rendered))
        return response


def _mark_written(request: Request) -> None:
    """Makes sure that the user's next reads show the effect of this request."""
    user_id = user_id_of(request.token) if isinstance(request, TokenRequest) and request.auth else None
    if user_id is not None:
        replica.wrote(user_id)


@cache
def _serializer(kind: type[StrictSerializer]) -> StrictSerializer:
    """One serializer for all requests, because creating one copies its fields, which takes longer than validating a
    body. Validation stores nothing in the serializer.
    """
    return kind()


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _if_changed(request: Request, response: HttpResponse) -> HttpResponseBase:
    """304 without a body if the app already has this response. A view may have set the ETag itself."""
    response.setdefault("ETag", f'"{hashlib.sha256(response.content).hexdigest()[:32]}"')
    answer = unchanged(request, response["ETag"])
    if answer is None:
        return response
    for name in ("Cache-Control", "RateLimit", "RateLimit-Policy", "Deprecation", "Sunset", "Link"):
        if name in response:
            answer[name] = response[name]
    return answer


def unchanged(request: Request, etag: str) -> HttpResponseNotModified | None:
    """304 if If-None-Match names the ETag, compared weakly (RFC 9110 §13.1.2). Other preconditions do not apply to
    reads.
    """
    asked = {one.removeprefix("W/") for one in parse_etags(request.headers.get("If-None-Match", ""))}
    if "*" not in asked and etag.removeprefix("W/") not in asked:
        return None
    answer = HttpResponseNotModified()
    answer["ETag"] = etag
    return answer


class NotHere(BankView):
    """URLs under /api that do not exist: 404, with or without a token."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


def uuid_or_404(value: str) -> UUID:
    """A malformed id is answered like an unknown one."""
    try:
        return UUID(value)
    except ValueError:
        raise Http404 from None


def user_or_404(request: TokenRequest) -> UUID:
    """The user's id. A client that acts for itself has no accounts, payees, orders or webhooks."""
    user_id = user_id_of(request.token)
    if user_id is None:
        raise Http404
    return user_id


def account_or_404(request: TokenRequest, account_id: str, *fields: str, action: str) -> dict[str, Any]:
    """The `fields` of an account that the token may access for this action. One query. An account of another user is
    answered like an unknown one.
    """
    found = Account.objects.rows_visible_to(
        request.token,
        action,
        *dict.fromkeys(("id", "currency", *fields)),
        pk=uuid_or_404(account_id),
    )
    if not found:
        raise Http404
    return found[0]
