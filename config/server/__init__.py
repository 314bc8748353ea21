"""The server process: granian and its workers, request bodies, proxies, health and metrics. Imports no other room."""
