"""The authorization endpoint's decisions (RFC 6749 §3.1, OpenID Connect Core §3.1.2).

`request` validates what the client sent. An `Interaction` then carries it through `steps`, one file a step, until the
client gets an answer; `steps/__init__.py` lists them in order. `permissions`, `consent`, `decision` and `remembered`
decide what the user is asked and what an answer writes. The device page and CIBA use them too. An `outcome` is data:
`oauth.pages` renders it. May be imported by `endpoints`, `pages` and `admin`.
"""
