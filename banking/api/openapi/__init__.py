"""The API described in OpenAPI 3.1: `components` are the schemas, `operations` what each endpoint asks and answers."""
