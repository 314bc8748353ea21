"""Checks the effects of an upgrade on the database while the previous release serves requests.

`plan` lists the pending migrations, `operations` and `statements` judge what they do, `known` says what only the author
of a migration can say, `patience` runs them without making the site wait for a lock, and `executor` runs them without
rendering the classes of all models. docs/upgrading.md.
"""
