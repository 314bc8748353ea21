"""Code that does not depend on OAuth or the bank, such as hand-written SQL, process caches, outbound HTTP requests and
rate limits.

Every package may import this one, which imports only `fast_path`.
"""
