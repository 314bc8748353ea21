"""Records refused requests, and counts requests for /metrics. Imports `models`, `infrastructure` and `errors`."""
