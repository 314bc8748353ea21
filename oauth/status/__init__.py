"""Whether a token is still active: `liveness` for this server, `published_lists` (Token Status List) for resource
servers elsewhere, `ended_recently` for those on this site.

`liveness.authority` is the only function that decides. Imports `tokens`, `keys` and `models`.
"""
