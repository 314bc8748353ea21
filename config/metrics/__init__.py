"""What /metrics shows besides the counters of `oauth` and `banking`: requests by route, the connection pool, caches,
the queues of the background worker, and the build. docs/monitoring.md lists all.

Each worker process writes its own values into files, and the process that answers /metrics adds them up. Therefore
values that change without a request are sampled in each process (`sampling`), and values from the database are read by
the process that answers /metrics (`queues`).
"""
