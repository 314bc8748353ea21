"""What the authorization endpoint needs (RFC 6749 §3.1, OpenID Connect Core §3.1.2).

request (read and check) -> interaction (kept on the server while the person logs in) -> consent -> response.
"""
