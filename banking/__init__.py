"""A bank: a double-entry ledger, the API that apps call, and the web bank.

Each subpackage imports only subpackages below it (the import contracts of pyproject.toml list the order). From `oauth`,
the bank imports the resource server, the base classes for extensions and `oauth.infrastructure`. Users are rows of
`AUTH_USER_MODEL`.
"""
