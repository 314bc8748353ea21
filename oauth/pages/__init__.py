"""The pages that users see in a browser: authorization, device code, backchannel requests, logout, connected apps.

They answer HTML and use cookies; machine endpoints are in `endpoints`. `authorize`, `sessions` and `clients` make all
decisions. A page reads the form, calls one of them, and renders the result.
"""
