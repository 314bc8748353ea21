"""The signature algorithms that this server uses and accepts (RFC 7518 §3.1, RFC 8037 §3.1)."""

# RFC 9068 §2.1: asymmetric algorithms only. Verification accepts no other algorithm.
SIGNING_ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")

# Algorithms of DPoP proofs, and of everything that a FAPI client signs (FAPI 2.0 §5.4.1, RFC 8725 §3.2).
STRONG_SIGNING_ALGORITHMS = ("PS256", "ES256", "EdDSA")

# Algorithms of other clients' assertions and request objects. RFC 8414 §2, OpenID Connect Discovery §3: RS256 SHOULD be
# supported.
CLIENT_SIGNING_ALGORITHMS = (*STRONG_SIGNING_ALGORITHMS, "RS256")
