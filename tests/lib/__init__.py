"""Code that several test modules share: clients, users, servers, databases, pages.

There are no tests here. A test module never imports another one; code that two of them need is put here.
`tests/conftest.py` turns some of it into fixtures.
"""
