"""The pages that users see in a browser: authorization, device code, backchannel requests, logout, connected apps.

They answer HTML and use cookies; machine endpoints are in `endpoints`. What is decided is decided in `authorize`,
`sessions` and `clients`; a page reads the form, calls them once, and renders the result.
"""
