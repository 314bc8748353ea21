"""The developer portal: a developer's own apps, from registration over the sandbox to live.

Every page but `overview` is a `DeveloperPage`: it asks who the user is, and `own_app` whose the app is.
"""
