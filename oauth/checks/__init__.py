"""Django's system checks of the authorization server. Each names the wrong setting and how to fix it.

`start` runs before the models are imported, and stops the process: with these settings nothing could run. All others
are ordinary checks, which `apps` registers when Django is ready. `manage.py check` runs them, `--deploy` adds those of
`deployment`, `--database default` that of the background worker. Settings that an API needs, too, are checked by
`oauth.resource_server.checks`. This file imports no module of the package, because
importing `start` must not import a model.
"""
