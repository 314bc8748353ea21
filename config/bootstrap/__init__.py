"""`manage.py bootstrap`: from an empty server to a site with keys, a database role, an admin and a client.

`options` and `folder` run before the settings are read, so they must not import Django. Each of the other modules
creates one object if it is missing, and returns a text that says what was done.
"""
