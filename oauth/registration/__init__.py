"""How clients come to be: presets behind the admin's one question, and dynamic registration (RFC 7591).

`preset(kind)` gives safe values; `metadata` translates between a Client and the protocol's JSON.
"""

from oauth.registration.presets import EXPLANATIONS, kind_needs_redirect_uri, preset

__all__ = ["EXPLANATIONS", "kind_needs_redirect_uri", "preset"]
