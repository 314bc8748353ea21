"""A project on django-oauth-toolkit alone, with its models, views and defaults, and the same project after its move."""
