"""The requests of load balancers and of Prometheus, which say nothing about what users and apps get."""

PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})
