"""What knows neither OAuth nor money: hand-written SQL, outbound HTTP requests, rate limits, metrics, display of names.

Everything may import this room; it imports only `conf` and `errors`, and `fast_path` for prepared statements.
"""
