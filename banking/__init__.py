"""The bank: a double-entry ledger and the API that apps call.

Of `oauth` it imports only `oauth.resource_server`; a holder is a row of `AUTH_USER_MODEL`.
"""
