"""The pages that users see in a browser: authorization, device code, back-channel requests, logout, connected apps.

They answer HTML and use cookies; machine endpoints are in `endpoints`.
"""
