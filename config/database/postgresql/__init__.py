"""Django's PostgreSQL backend, behind the circuit breaker; ENGINE = "config.database.postgresql"."""
