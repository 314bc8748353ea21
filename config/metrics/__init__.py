"""What /metrics shows besides the counters of `oauth` and `banking`: requests by route, the connection pool, caches,
the queues of the background worker, and the build. docs/monitoring.md lists all.

Each worker process writes its own values into files, and any of them adds them up. So what changes without a request is
sampled in each process (`sampling`); what the database knows is read by the process that is asked (`queues`).
"""
