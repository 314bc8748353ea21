"""Code that several test modules share: clients, users, servers, databases, pages.

There are no tests here. Test modules do not import each other; code that two of them need is here. `tests/conftest.py`
makes fixtures from some of it.
"""
