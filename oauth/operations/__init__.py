"""Work outside of requests: the first rows after `migrate`, and the removal of rows that are no longer needed."""
