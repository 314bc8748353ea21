"""Counters of the authorization server; the site serves them at /metrics."""

from prometheus_client import Counter

tokens_issued = Counter("oauth_tokens_issued_total", "Token responses, by grant type.", ["grant_type"])
refusals = Counter("oauth_refusals_total", "Refused protocol requests, by endpoint and error.", ["endpoint", "error"])
