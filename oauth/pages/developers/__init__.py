"""The developer portal: a developer's own apps, from registration through the sandbox to going live.

Every page except `overview` is a `DeveloperPage`, which checks that the user is a developer; `own_app` checks that they
own the app.
"""
