"""Revocation of tokens: `liveness` for this server, `published_lists` (Token Status List) for other resource servers,
`ended_recently` for those on this site.

Only `liveness.authority` decides. Imports `tokens`, `keys`, `models` and what these import.
"""
