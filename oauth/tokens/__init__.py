"""Tokens as JWTs: their claims, signing and verification.

`claims` and `verification` stand alone (a resource server has no database); `signing` needs `keys`.
"""
