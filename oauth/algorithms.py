"""The signature algorithms that this server uses and accepts (RFC 7518 §3.1, RFC 8037 §3.1)."""

# Algorithms with which this server signs (RFC 9068 §2.1: asymmetric only), and which verification accepts.
SIGNING_ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")

# Algorithms accepted for DPoP proofs and for everything that a FAPI client signs (FAPI 2.0 §5.4.1, RFC 8725 §3.2).
STRONG_SIGNING_ALGORITHMS = ("PS256", "ES256", "EdDSA")

# Algorithms accepted for assertions and request objects of other clients. RFC 8414 §2 and OpenID Connect Discovery §3
# say that servers SHOULD support RS256.
CLIENT_SIGNING_ALGORITHMS = (*STRONG_SIGNING_ALGORITHMS, "RS256")
