"""The developer portal: a developer's own apps, from registration through the sandbox to going live.

Every page but `overview` is a `DeveloperPage`: it checks that the user is a developer, and `own_app` checks that they
own the app.
"""
