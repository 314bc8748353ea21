"""The server process: granian and its worker processes, request bodies, proxies, health and metrics. Of the other
packages of `config`, it imports only `database` and `metrics`.
"""

from config.server import metrics_files

metrics_files.use()  # before the first metric of a worker process
