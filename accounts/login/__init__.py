"""Login: forms and pages, protection against password guessing, and how and when the user of a browser logged in.

Imports `addresses`, `passwords`, `second_factors` and what these import.
"""
