"""Code that does not depend on OAuth or the bank: hand-written SQL, process caches, outbound HTTP requests, rate
limits, names.

Every package may import this one. It imports `fast_path` and `conf`; each module reads its setting in one function.
"""
