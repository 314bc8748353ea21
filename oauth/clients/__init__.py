"""Clients: how they authenticate, how they are registered, and advice for those who register them.

`authentication` proves who calls, `registration` reads client metadata, `cache` keeps clients that proved themselves,
`preset(kind)` gives safe values for the admin's question "what is it?". Imports `proof`, `tokens`, `models` and below.
"""

from oauth.clients.presets import EXPLANATIONS, kind_needs_redirect_uri, preset

__all__ = ["EXPLANATIONS", "kind_needs_redirect_uri", "preset"]
