"""The pluggable authorization server: OAuth 2.1 on django-oauth-toolkit, JWT access tokens (RFC 9068).

A token request:  endpoints.token -> clients.authentication -> grants.<type> in one transaction -> tokens. An API
request:   resource_server.authentication -> resource_server.permissions -> the view. Imports no other package of the
site, and reads OAUTH only through `conf.py`.
"""
