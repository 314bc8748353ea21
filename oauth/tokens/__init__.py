"""Tokens as JWTs: their claims, signing and verification.

`claims` and `verification` need no database, for resource servers; `signing` needs `keys`.
"""
