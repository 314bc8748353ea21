"""A replica for reads that may be a second old: how old it is, who may read there, and what the primary answers.

Off unless DATABASE_REPLICA_URL is set. The rest of the site uses only `oauth.infrastructure.replica`.
"""

#: Of settings.DATABASES.
ALIAS = "replica"
