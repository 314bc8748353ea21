"""The logic of the authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2).

`request` validates the client's parameters. An `Interaction` then passes through `steps` until the client gets a
response; `steps/__init__.py` lists the steps in order. `permissions`, `consent`, `decision` and `remembered`, which the
device page and CIBA also use, decide what the user is asked and what an answer writes. An `outcome` is data that
`oauth.pages` renders. Only packages above this one, such as `endpoints`, `pages` and `admin`, may
import it.
"""
