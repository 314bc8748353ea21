"""Proof of possession: a bound token is worthless without its key (DPoP, RFC 9449) or certificate (RFC 8705).

The authorization server and a resource server use the same `dpop.verify`, `nonce`, `replay` and `certificate`, and pass
in their settings. Imports `tokens` and no model.
"""
