"""Whether a token still counts: `liveness` for this server, `published_lists` (Token Status List) for resource servers.

`liveness.authority` is the only function that decides. Imports `tokens`, `keys` and `models`.
"""
