"""Checks the effects of an upgrade on the database while the previous release serves requests.

`plan` lists the pending migrations, `operations` and `statements` judge what they do, `known` has the notes of the
authors of migrations, `patience` runs them without making the site wait for a lock, and `executor` runs them without
rendering the classes of all models. docs/upgrading.md.
"""
