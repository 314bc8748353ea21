"""System checks of the authorization server. Each message names the wrong setting and how to fix it.

`start` runs before models are imported and stops the process. All others are ordinary checks, which `apps` registers
when Django is ready. `manage.py check` runs them; `--deploy` adds those of `deployment`, and `--database default` those
of `database`. `oauth.resource_server.checks` checks the settings that APIs also use. This file must not import a module
of the package, because importing `start` must not import models.
"""
