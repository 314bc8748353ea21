"""What several test modules share: clients, users, servers, databases, pages. No test lives here.

No test module imports another; what two need comes here. `tests/conftest.py` turns some of it into fixtures.
"""
