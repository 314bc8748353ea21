"""A user's browsers: those logged in, those known from earlier logins, and those trusted without a second factor.

Imports `models` and `time_zones`.
"""
