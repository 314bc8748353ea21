"""Django's PostgreSQL backend with fewer health checks and cheaper commits: ENGINE = "oauth.fast_path.postgresql"."""
