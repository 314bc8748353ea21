"""The paths that load balancers and Prometheus request, which are left out of the request metrics."""

PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})
