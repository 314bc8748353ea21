"""Proof of possession of the key (DPoP, RFC 9449) or certificate (RFC 8705) of a sender-constrained token.

The authorization server and resource servers use the same functions with their own settings. Imports `tokens` and no
models.
"""
