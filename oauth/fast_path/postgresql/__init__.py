"""Django's PostgreSQL backend with fewer health checks of pooled connections; ENGINE = "oauth.fast_path.postgresql"."""
