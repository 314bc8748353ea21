"""The peers that Countersign is compared with: floors (as little as Django and DRF can do) and the products that a
team would use instead.
"""

#: The clients of the peers, and their roles in PostgreSQL.
SECRET, CALLBACK, SCOPE = "a-secret-of-a-benchmark", "https://app.example/callback", "openid accounts:read"
