"""The server process: granian and its worker processes, request bodies, proxies, health and metrics. Of the other
packages of `config`, it imports only `database` and `metrics`.
"""
