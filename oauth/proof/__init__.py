"""Proof of possession: a token that is worth nothing without a key (DPoP, RFC 9449).

`dpop.verify` at both servers, `nonce` that both hand out, `replay` that both count by. Knows of no model.
"""
