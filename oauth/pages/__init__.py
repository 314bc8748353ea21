"""The pages that users see in a browser: authorization, device code, backchannel requests, logout, connected apps.

They return HTML and use cookies; machine endpoints are in `endpoints`. A page reads the form, calls `authorize`,
`sessions` or `clients`, which make all decisions, and renders the result.
"""
