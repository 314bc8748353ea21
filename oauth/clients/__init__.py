"""Clients: authentication, registration, and advice for admins and developers who register them.

`authentication` authenticates the calling client, `registration` reads client metadata, `cache` holds recently used
clients. `preset(kind)` returns safe values for a kind of client. Imports `proof`, `tokens`, `models` and what these
import.
"""

from oauth.clients.presets import EXPLANATIONS, kind_needs_redirect_uri, preset, with_grant_types_of_profile

__all__ = ["EXPLANATIONS", "kind_needs_redirect_uri", "preset", "with_grant_types_of_profile"]
