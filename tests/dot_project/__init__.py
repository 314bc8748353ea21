"""A project that uses only django-oauth-toolkit, with its models, views and defaults, and the same project after its
migration.
"""
