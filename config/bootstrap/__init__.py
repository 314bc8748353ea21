"""`manage.py bootstrap`: from an empty server to a site with keys, a database role, an admin and a client.

`options` and `folder` run before the settings are read, so they must not import Django. The other modules each make one
thing if it is missing, and return what they did.
"""
