"""What `make demo` and the tests add to the site: an embedded PostgreSQL, seed data, a small native app.

Never installed in production.
"""
