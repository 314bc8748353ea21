"""How drf-spectacular maps our fields, serializers and authentication."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_object_type

from banking.api.destinations import FORMS
from banking.api.openapi.types import Schema, discriminated, schema_of, unwrapped
from banking.api.representations import AccountDestination, PayeeDestination


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
    """Several forms, distinguished by `scheme`; each is a separate component. The document leaves out the deprecated
    forms without `scheme`.
    """

    target_class = "banking.api.destinations.DestinationSerializer"

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> Schema:
        members = auto_schema._map_basic_serializer(self.target, direction)["properties"]
        registry = auto_schema.registry
        by_iban = ResolvedComponent("IBANDestination", ResolvedComponent.SCHEMA, object="IBANDestination")
        by_iban.schema = _closed(
            {"scheme": {"type": "string", "enum": ["iban"]}, **{name: members[name] for name in FORMS["iban"]}}
        )
        registry.register_on_missing(by_iban)
        forms = {
            "account": schema_of(AccountDestination, registry),
            "payee": schema_of(PayeeDestination, registry),
            "iban": dict(by_iban.ref),
        }
        return {"description": unwrapped(type(self.target)), **discriminated(forms, "scheme")}


class JWTBearerScheme(OpenApiAuthenticationExtension):
    """OAuth 2.0 for clients that can run a flow, and HTTP bearer for clients that are configured with a token."""

    target_class = "oauth.resource_server.jwt_bearer.JWTBearer"
    name = ["oauth2", "bearer"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        view: Any = auto_schema.view
        return [{"oauth2": list(view.required_scopes[auto_schema.method])}, {"bearer": []}]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[Schema]:
        issuer = settings.ISSUER
        return [
            {
                "type": "oauth2",
                "description": f"{issuer}/.well-known/oauth-authorization-server describes the server.",
                "flows": {
                    "authorizationCode": {
                        "authorizationUrl": f"{issuer}/oauth/authorize",
                        "tokenUrl": f"{issuer}/oauth/token",
                        "refreshUrl": f"{issuer}/oauth/token",
                        "scopes": {name: text for name, text in settings.OAUTH["SCOPES"].items() if ":" in name},
                    }
                },
            },
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An access token with the scopes of the operation (RFC 6750, RFC 9068).",
            },
        ]


def _closed(properties: Schema) -> Schema:
    return build_object_type(properties=properties, required=list(properties), additionalProperties=False)
