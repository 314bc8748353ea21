"""Work outside of requests: initial rows, cleanup, partitions, the background worker, and the audit stream."""
