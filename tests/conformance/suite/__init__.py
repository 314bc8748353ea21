"""Runs plans of the OpenID Foundation's conformance suite against a demo: `python -m tests.conformance.suite PLAN…`.

The suite must already be running; this package drives it over its REST API. docs/conformance.md says how to start a
run.
"""
