"""The bank API, version 1: what apps call. Each view says its scopes; `visible_to` says whose data it is."""
