"""The browsers of a user: logged in, known from an earlier login, or trusted without a second factor.

Imports `models` only.
"""
