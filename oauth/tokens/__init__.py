"""Tokens as JWTs: what they claim, how they are signed, how they are verified.

`claims` and `verification` stand alone (a resource server has no database); `signing` needs `keys`.
"""
