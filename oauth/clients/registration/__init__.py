"""Dynamic client registration (RFC 7591, RFC 7592) and client ID metadata documents.

`metadata` translates between a Client and the protocol's JSON. `ceiling` limits what a client may register for itself.
"""
