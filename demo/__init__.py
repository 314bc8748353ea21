"""Additions to the site for `make demo` and the tests: an embedded PostgreSQL, seed data, a small native app.

They are never installed in production.
"""
