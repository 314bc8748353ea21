"""The API described in OpenAPI 3.1. drf-spectacular generates the document from the views: scopes, parameters, the
serializers of bodies, and the types of answers. `examples` are written by hand; nothing else is."""
