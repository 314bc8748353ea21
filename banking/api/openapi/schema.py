"""Tells drf-spectacular how to describe an operation of a BankView."""

from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import BaseSerializer

from banking.api.openapi import extensions  # noqa: F401  (registers them)
from banking.api.openapi.examples import EXAMPLES
from banking.api.openapi.refusals import refusals
from banking.api.openapi.types import Schema, name_of, schema_of, unwrapped
from banking.api.operation import Operation
from banking.api.problems import ProblemResponse
from banking.api.representations import MonthId, Problem
from banking.api.responses import Created, Former, NotYet

if TYPE_CHECKING:
    from banking.api.views import BankView

#: The headers of every successful response.
HEADERS: dict[str, Schema] = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "The id of the request, which our logs contain."},
    "RateLimit": {"schema": {"type": "string"}, "description": "How many requests are left, and until when."},
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "How many requests are allowed, and how often."},
}
_LOCATION: Schema = {"schema": {"type": "string"}, "description": "The address of the new object.", "required": True}
_NOT_YET: dict[str, Schema] = {
    "Location": {
        "schema": {"type": "string"},
        "description": "The address that will have the object.",
        "required": True,
    },
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds until the next attempt.", "required": True},
}
_IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of an earlier answer: 304 if it is still the same.",
)


class BankSchema(AutoSchema):
    view: "BankView"  # type: ignore[override]  # of these only
    method: str

    def get_operation_id(self) -> str:
        from banking.api.urls import urlpatterns

        names = {str(pattern.pattern): pattern.name for pattern in urlpatterns}
        return f"{self.method.lower()}_{str(names[self.path_regex.lstrip('/')]).replace('-', '_')}"

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        return self._operation.summary

    def get_description(self) -> str:  # type: ignore[override]  # DRF's stubs know no drf-spectacular
        return unwrapped(self._handler)

    def is_deprecated(self) -> bool:
        return self._operation.deprecation is not None

    def get_override_parameters(self) -> list[Any]:
        query = [
            OpenApiParameter(one.name, one.json_schema, OpenApiParameter.QUERY, description=one.description)
            for one in self.view.query_parameters.get(self.method, ())
        ]
        headers = [
            OpenApiParameter(
                one.name,
                {"type": "string", "pattern": one.pattern},
                OpenApiParameter.HEADER,
                required=True,
                description=one.description,
            )
            for one in self.view.header_parameters.get(self.method, ())
        ]
        return [*headers, *query, *([_IF_NONE_MATCH] if self.method == "GET" else [])]

    def _resolve_path_parameters(self, variables: list[str]) -> list[Schema]:
        schemas = {"month": schema_of(MonthId, self.registry)}
        uuid = {"type": "string", "format": "uuid"}
        return [{"name": name, "in": "path", "required": True, "schema": schemas.get(name, uuid)} for name in variables]

    def _get_format_parameters(self) -> list[Schema]:
        return []  # the format is chosen by Accept

    def get_request_serializer(self) -> Any:
        return self.view.bodies.get(self.method)

    def get_response_serializers(self) -> None:
        """Answers are not serializers."""

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)
        schema.pop("description", None)  # the docstring may be inherited from StrictSerializer
        description = unwrapped(type(_instance(serializer)))
        fewest = getattr(_instance(serializer), "fewest_members", 0)
        return {
            **schema,
            "additionalProperties": False,
            **({"minProperties": fewest} if fewest else {}),
            **({"description": description} if description else {}),
        }

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        schema.pop("x-spec-enum-id", None)  # for a postprocessing hook that is not used
        return schema

    def _get_request_body(self, direction: Any = "request") -> Schema | None:
        serializer = self.get_request_serializer()
        if serializer is None:
            return None
        body: Schema = super()._get_request_body(direction)
        if getattr(_instance(serializer), "fewest_members", 0):
            body["required"] = True
        for content in body["content"].values():
            content["example"] = EXAMPLES[self._get_serializer_name(_instance(serializer), direction)]
        return body

    def _get_response_bodies(self, direction: Any = "response") -> Schema:
        answers = {str(_class_of(one).status_code): self._answer(one) for one in self._annotated_responses()}
        if self.method == "GET":
            answers["304"] = {"description": "The client already has this answer."}
        has_body = self.method in self.view.bodies
        return answers | refusals(self._operation.refusals, schema_of(Problem, self.registry), has_body=has_body)

    @property
    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower())

    @property
    def _operation(self) -> Operation:
        operation: Operation = self._handler.operation
        return operation

    def _annotated_responses(self) -> list[Any]:
        """The successful responses, from the method's return annotation."""
        annotation = get_type_hints(self._handler)["return"]
        several = get_origin(annotation) in (Union, UnionType)
        return [
            one
            for one in (get_args(annotation) if several else (annotation,))
            if _class_of(one).status_code < 300 and not issubclass(_class_of(one), (ProblemResponse, Former))
        ]

    def _answer(self, response: Any) -> Schema:
        headers: Schema = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
        if _class_of(response) is Created:
            headers["Location"] = _LOCATION
        if _class_of(response) is NotYet:
            return {
                "description": "The statement is being made. Repeat the same request.",
                "headers": headers | _NOT_YET,
            }
        answer: Schema = {"description": "Done.", "headers": headers}
        for representation in get_args(response):
            answer["content"] = {one: self._content(representation, one) for one in self.map_renderers("media_type")}
        return answer

    def _content(self, representation: Any, media_type: str) -> Schema:
        if media_type != "application/json":
            return {"schema": {"type": "string"}}
        return {"schema": schema_of(representation, self.registry), "example": EXAMPLES[name_of(representation)]}


def _class_of(response: Any) -> Any:
    return get_origin(response) or response


def _instance(serializer: Any) -> BaseSerializer[Any]:
    instance: BaseSerializer[Any] = force_instance(serializer)
    return instance
