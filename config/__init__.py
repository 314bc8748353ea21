"""The site: settings from the environment, URLs, the WSGI application, and what its operator needs.

Everything may be imported from here; nothing below imports `config`.
"""
