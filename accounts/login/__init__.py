"""Login: forms and pages, protection against password guessing, and how and when the user of a browser logged in.

Imports `addresses`, `browsers`, `notices` and `second_factors`.
"""
