"""Clients: how they authenticate, how they are registered, and advice for those who register them.

`authentication` verifies which client calls, `registration` reads client metadata, `cache` holds recent clients.
`preset(kind)` returns safe values for each kind of client. Imports `proof`, `tokens`, `models` and below.
"""

from oauth.clients.presets import EXPLANATIONS, kind_needs_redirect_uri, preset, with_grant_types_of_profile

__all__ = ["EXPLANATIONS", "kind_needs_redirect_uri", "preset", "with_grant_types_of_profile"]
