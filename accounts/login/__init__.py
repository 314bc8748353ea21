"""Logging in: the forms and pages, guessing at passwords, and how and when the user of a browser logged in.

Imports `addresses`, `browsers`, `notices` and `second_factors`.
"""
