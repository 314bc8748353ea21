"""The server process: granian and its worker processes, request bodies, proxies, health and metrics. It imports no
other package of `config`.
"""
