"""The signature algorithms that this server uses and accepts (RFC 7518 §3.1, RFC 8037 §3.1)."""

# RFC 9068 §2.1: asymmetric algorithms only. Verification accepts no other algorithm.
SIGNING_ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")

# Algorithms of clients' signatures (private_key_jwt, request objects), without RS256 (FAPI 2.0 §5.4.1, RFC 8725 §3.2).
CLIENT_SIGNING_ALGORITHMS = ("PS256", "ES256", "EdDSA")
