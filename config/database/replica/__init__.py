"""A replica for reads that may be a second old.

This package measures how old the replica's data is, and decides which reads go to the replica and which to the primary.
It is off unless DATABASE_REPLICA_URL is set. The rest of the site uses only `oauth.infrastructure.replica`.
"""

#: Of settings.DATABASES.
ALIAS = "replica"
