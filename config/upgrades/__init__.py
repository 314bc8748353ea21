"""Checks the effects of an upgrade on the database while the previous release serves requests.

`plan` lists the pending migrations, `operations` and `statements` judge what they do, `known` says what only the author
of a migration can say, and `patience` runs them without making the site wait for a lock. docs/upgrading.md.
"""
