"""The servers that Countersign is compared with: lower bounds (what Django and DRF cost at least), and products that a
team could use instead.
"""

#: The password of the servers' clients and of their roles in PostgreSQL.
SECRET, CALLBACK, SCOPE = "a-secret-of-a-benchmark", "https://app.example/callback", "openid accounts:read"
