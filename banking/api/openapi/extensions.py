"""How drf-spectacular maps our fields, serializers and authentication."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_object_type

from banking.api.destinations import FORMS
from banking.api.openapi.types import Schema


class FieldSchema(OpenApiSerializerFieldExtension):
    """A field with its own `json_schema`. drf-spectacular adds lengths and help texts."""

    target_class = "rest_framework.fields.Field"
    match_subclasses = True

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return hasattr(target, "json_schema")

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        return dict(self.target.json_schema)


class DestinationSchema(OpenApiSerializerExtension):
    """One of several forms; each is an object of its own."""

    target_class = "banking.api.destinations.DestinationSerializer"

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> Schema:
        members = auto_schema._map_basic_serializer(self.target, direction)["properties"]
        return {"oneOf": [_closed({name: members[name] for name in members if name in form}) for form in FORMS]}


class JWTBearerScheme(OpenApiAuthenticationExtension):
    target_class = "oauth.resource_server.jwt_bearer.JWTBearer"
    name = "oauth2"

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[str]]:
        view: Any = auto_schema.view
        return {self.name: list(view.required_scopes[auto_schema.method])}

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:
        issuer = settings.ISSUER
        return {
            "type": "oauth2",
            "description": f"All there is to know is at {issuer}/.well-known/oauth-authorization-server.",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": f"{issuer}/oauth/authorize",
                    "tokenUrl": f"{issuer}/oauth/token",
                    "refreshUrl": f"{issuer}/oauth/token",
                    "scopes": {name: sentence for name, sentence in settings.OAUTH["SCOPES"].items() if ":" in name},
                }
            },
        }


def _closed(properties: Schema) -> Schema:
    return build_object_type(properties=properties, required=list(properties), additionalProperties=False)
