"""Staff in the admin: which proof a change needs, and which users they may change. Imports `login` and below."""
